"""`manage.py check_ledger` finds each kind of damage, and nothing where there is none."""

import logging
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from credits import checker, tasks
from credits.ledger.moves import BudgetCap
from credits.models import Account, Budget, Entry, Hold, Journal
from opscenter.core.ids import uuid7
from tests.credits.conftest import Give
from tests.credits.ledger import capture, forget, held, void
from tests.database import lifted_checks, lifted_triggers


@pytest.fixture
def busy(alice: Account, give: Give) -> Account:
    """A wallet with a charge, an overrun, a void and an open hold, all of them counted against a budget."""
    give(alice, "0.000001")
    budgets = (BudgetCap("key", 7, "2026-11", 1000),)
    capture(held(alice, 100, budgets=budgets), 60)
    capture(held(alice, 100, budgets=budgets), 150)
    void(held(alice, 100, budgets=budgets), upstream_expense=9)
    held(alice, 70, budgets=budgets)
    alice.refresh_from_db()
    return alice


def found() -> list[str]:
    return sorted({problem.invariant for problem in checker.check()})


def test_sound_ledger_has_no_problems(busy: Account) -> None:
    out = StringIO()
    call_command("check_ledger", stdout=out)
    assert out.getvalue().splitlines()[-1] == "0 problems"


def test_command_prints_each_problem_and_fails(busy: Account) -> None:
    forget(Hold.objects.open().get().pk, seconds=121)
    out = StringIO()
    with pytest.raises(SystemExit) as exit:
        call_command("check_ledger", stdout=out)
    assert exit.value.code == 1
    first, last = out.getvalue().splitlines()
    assert first.startswith("I5 hold ")
    assert last == "1 problem"


def test_nightly_task_logs_each_problem_as_an_error(busy: Account, caplog: pytest.LogCaptureFixture) -> None:
    assert tasks.check_ledger() == 0
    forget(Hold.objects.open().get().pk, seconds=121)
    assert tasks.check_ledger() == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def unbalance(wallet: Account) -> None:
    Entry.objects.filter(account__code="revenue").update(amount=F("amount") + 1)


def lose_an_entry(wallet: Account) -> None:
    Entry.objects.filter(account=wallet, version=2).delete()


def swap_versions(wallet: Account) -> None:
    Entry.objects.filter(account=wallet, version=2).update(balance_after=F("balance_after") + 1)


def misnumber(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(entries_count=9)


def change_posted(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(posted=F("posted") + 1)


def change_held(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(held=F("held") + 1)


def overdraw(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(held=F("posted") + 1)


def lose_a_heartbeat(wallet: Account) -> None:
    forget(Hold.objects.open().get().pk, seconds=121)


def forget_a_charge(wallet: Account) -> None:
    hold = Hold.objects.filter(state="CAPTURED").first()
    assert hold is not None
    Journal.objects.filter(idempotency_key=f"usage:{hold.pk}").update(idempotency_key="manual:lost", kind="manual")


def charge_another_amount(wallet: Account) -> None:
    Hold.objects.filter(state="CAPTURED", captured=60).update(captured=61)


def charge_for_nothing(wallet: Account) -> None:
    Journal.objects.create(idempotency_key=f"usage:{uuid7()}", kind="usage", created_at=timezone.now())


def charge_a_voided_hold(wallet: Account) -> None:
    Hold.objects.filter(captured=60).update(state="VOIDED", captured=None)


def forget_spending(wallet: Account) -> None:
    Budget.objects.update(spent=F("spent") - 1)


def forget_a_release(wallet: Account) -> None:
    Budget.objects.update(held=F("held") + 100)


@pytest.mark.parametrize(
    ("damage", "invariants"),
    [
        (unbalance, ["I1", "I9"]),
        (lose_an_entry, ["I1", "I2", "I6", "I8", "I9"]),
        (swap_versions, ["I8"]),
        (misnumber, ["I8"]),
        (change_posted, ["I2"]),
        (change_held, ["I3"]),
        (overdraw, ["I3", "I4"]),
        (lose_a_heartbeat, ["I5"]),
        (forget_a_charge, ["I6"]),
        (charge_another_amount, ["I10", "I6"]),
        (charge_for_nothing, ["I6"]),
        (charge_a_voided_hold, ["I10", "I6"]),
        (forget_spending, ["I10"]),
        (forget_a_release, ["I10"]),
    ],
)
def test_damage_is_found(busy: Account, damage: Callable[[Account], None], invariants: list[str]) -> None:
    assert found() == []
    with lifted_triggers(), lifted_checks("llm_credits", "wallet_covers_its_holds"):
        damage(busy)
    assert found() == invariants
