"""The database itself refuses what must never be, whoever asks."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from credits.checks import balance_trigger_is_in_place
from credits.models import Account, Entry, Hold, Journal, PowerLevel, Tier
from opscenter.core.ids import uuid7
from tests.credits.conftest import Give
from tests.credits.ledger import capture, held
from tests.database import settle_deferred


def refused(write: Callable[[], Any]) -> bool:
    try:
        with transaction.atomic():
            write()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "values",
    [
        {"held": 11},
        {"held": -1},
        {"posted": -1},
        {"kind": "system"},
        {"kind": "other"},
        {"user": None},
        {"status": "asleep"},
        {"tier": "platinum"},
        {"entries_count": -1},
    ],
    ids=str,
)
def test_wallet_that_can_not_be_is_refused(alice: Account, values: dict[str, Any]) -> None:
    Account.objects.filter(pk=alice.pk).update(posted=10, held=10)
    assert refused(lambda: Account.objects.filter(pk=alice.pk).update(**values))


@pytest.mark.parametrize("values", [{"posted": 1}, {"held": 1}, {"entries_count": 1}, {"kind": "wallet"}], ids=str)
def test_system_account_carries_no_balance(db: None, values: dict[str, Any]) -> None:
    assert refused(lambda: Account.objects.filter(code="revenue").update(**values))


def test_user_has_one_wallet(alice: Account) -> None:
    assert refused(lambda: Account.objects.create(code=alice.code, user=alice.user))


@pytest.mark.parametrize(
    "values",
    [
        {"state": "CAPTURED"},
        {"captured": 5},
        {"state": "CAPTURED", "captured": 11, "closed_at": timezone.now()},
        {"state": "CAPTURED", "captured": -1, "closed_at": timezone.now()},
        {"state": "CAPTURED", "captured": None, "closed_at": timezone.now()},
        {"state": "VOIDED", "captured": 5, "closed_at": timezone.now()},
        {"state": "VOIDED", "closed_at": None},
        {"closed_at": timezone.now()},
        {"state": "LOST"},
        {"mode": "gift"},
        {"mode": "byok"},
        {"mode": "free"},
        {"amount": -1},
        {"delivered_tokens": -1},
        {"checkpoint_amount": -1},
        {"lease_epoch": 0},
    ],
    ids=lambda values: "-".join(f"{name}={values[name]}" for name in values if name != "closed_at") or "closed",
)
def test_hold_that_can_not_be_is_refused(alice: Account, values: dict[str, Any]) -> None:
    now = timezone.now()
    hold = Hold.objects.create(id=uuid7(), account=alice, amount=10, heartbeat_at=now, created_at=now)
    assert refused(lambda: Hold.objects.filter(pk=hold.pk).update(**values))


def a_journal(key: str = "manual:x") -> Journal:
    return Journal.objects.create(idempotency_key=key, kind="manual", created_at=timezone.now())


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 0},
        {"amount": 1, "tokens": -1},
        {"amount": 1, "version": 1},
        {"amount": 1, "balance_after": 1},
        {"amount": 1, "version": 0, "balance_after": 1},
        {"amount": 1, "version": 1, "balance_after": -1},
    ],
    ids=str,
)
def test_entry_that_can_not_be_is_refused(alice: Account, values: dict[str, Any]) -> None:
    assert refused(lambda: Entry.objects.create(journal=a_journal(), account=alice, **values))


def test_wallet_has_each_version_once(alice: Account, give: Give) -> None:
    give(alice, "1")
    again = {"account": alice, "amount": 1, "version": 1, "balance_after": 1}
    assert refused(lambda: Entry.objects.create(journal=a_journal(), **again))


def test_journal_happens_once_and_has_a_key(alice: Account) -> None:
    a_journal("manual:1")
    assert refused(lambda: a_journal("manual:1"))
    assert refused(lambda: a_journal(""))


def test_rates_that_sell_below_cost_are_refused(db: None) -> None:
    assert refused(lambda: Tier.objects.filter(slug="free").update(markup=-1))
    assert refused(lambda: Tier.objects.filter(slug="free").update(slug="platinum"))
    eco = PowerLevel.objects.filter(slug="eco")
    assert refused(lambda: eco.update(multiplier=-1))
    assert refused(lambda: eco.update(max_output_tokens=0))
    assert refused(lambda: eco.update(min_quality=2))


def grows_only(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


@pytest.mark.parametrize("table", ["llm_transactions", "credits_journals"])
def test_ledger_only_grows(alice: Account, give: Give, table: str) -> None:
    give(alice, "1")
    capture(held(alice, 10), 5)
    settle_deferred()
    assert grows_only(f"UPDATE {table} SET id = id")
    assert grows_only(f"DELETE FROM {table}")
    if connection.vendor == "postgresql":
        assert grows_only(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db(transaction=True)
def test_unbalanced_journal_is_refused_at_commit(alice: Account) -> None:
    """By the trigger on PostgreSQL; on SQLite, which has none of the kind, by nothing but the checker."""

    def commit(*amounts: int) -> None:
        with transaction.atomic():
            journal = a_journal(f"manual:{uuid7()}")
            for amount in amounts:
                Entry.objects.create(journal=journal, account=Account.objects.get(code="grants"), amount=amount)
            assert journal.entries.count() == len(amounts)

    commit(5, -5)
    commit(7, -3, -4)
    assert refused(lambda: commit(5, -4)) is (connection.vendor == "postgresql")
    assert refused(lambda: commit(5)) is (connection.vendor == "postgresql")
    assert Entry.objects.count() == (5 if connection.vendor == "postgresql" else 8)


def test_live_schema_is_checked_at_start(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check", databases=["default"])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER llm_transactions_balanced ON llm_transactions")
        assert [error.id for error in balance_trigger_is_in_place(databases=["default"])] == ["credits.E001"]
