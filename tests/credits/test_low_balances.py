"""People are told of a balance that has become low: once, until it has risen above again."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits import tasks
from credits.amounts import NANO
from credits.models import Account, AlertRules, Journal, LowBalance
from credits.services import low_balances, notices, wallets
from opscenter.core import changes, task_runs
from opscenter.core.models import Alert, User
from tests.credits.conftest import Give
from tests.credits.ledger import capture, held, in_threads

pytestmark = pytest.mark.django_db

OPERATOR, ALICE = "ops@example.org", "alice@example.org"


@pytest.fixture(autouse=True)
def mail_server(settings: Any) -> None:
    settings.ALERT_EMAILS, settings.EMAIL_URL = [OPERATOR], "smtp://127.0.0.1:25"


@pytest.fixture
def rich(alice: Account, give: Give) -> Account:
    """150 credits: a balance is low below 100."""
    User.objects.filter(username="alice").update(email=ALICE)
    return give(alice, "150")


def spend(account: Account, credits: str) -> None:
    amount = int(Decimal(credits) * NANO)
    capture(held(account, amount), amount)


def told() -> list[tuple[str, str]]:
    return [(alert.address, alert.headline) for alert in Alert.objects.order_by("queued_at", "pk")]


def test_operators_and_the_owner_are_told_once_of_each_fall(rich: Account, give: Give) -> None:
    assert tasks.tell_of_balances() == 0
    spend(rich, "50")
    assert tasks.tell_of_balances() == 0
    spend(rich, "0.5")

    assert [tasks.tell_of_balances() for _ in range(3)] == [1, 0, 0]
    spend(rich, "1")
    assert tasks.tell_of_balances() == 0

    fall = [
        ("", "The balance of alice is low: 99.5 credits"),
        (ALICE, "Your balance is low: 99.5 credits"),
    ]
    assert told() == fall
    give(rich, "10")
    assert tasks.tell_of_balances() == 0
    assert not LowBalance.objects.exists()
    spend(rich, "10")
    assert (tasks.tell_of_balances(), len(told())) == (1, 4)


def test_a_letter_to_the_owner_leads_to_no_page_of_the_operators(rich: Account, settings: Any) -> None:
    settings.PUBLIC_URL = "https://ops.example.org"
    spend(rich, "60")
    tasks.tell_of_balances()

    texts = dict(Alert.objects.values_list("address", "text"))
    assert f"https://ops.example.org/admin/credits/account/{rich.pk}/change/" in texts[""]
    assert "https://" not in texts[ALICE]


def test_a_balance_that_was_never_higher_is_low_once_it_is_spent_from(alice: Account, give: Give) -> None:
    give(alice, "50")
    assert tasks.tell_of_balances() == 0
    spend(alice, "1")
    assert tasks.tell_of_balances() == 1


def test_an_account_may_have_a_threshold_of_its_own_or_none(rich: Account, bob: Account, give: Give) -> None:
    wallets.set_low_balance(account=rich, low_balance_credits=Decimal(140))
    wallets.set_low_balance(account=give(bob, "150"), low_balance_credits=Decimal(0))
    spend(rich, "11")
    spend(bob, "150")

    assert tasks.tell_of_balances() == 1
    assert LowBalance.objects.get().threshold_nano == 140 * NANO


def test_the_threshold_of_all_others_is_a_row(rich: Account) -> None:
    rules = AlertRules.objects.get()
    rules.low_balance_credits = Decimal("149.5")
    changes.save(rules, announce=False)
    spend(rich, "0.6")

    assert tasks.tell_of_balances() == 1


def test_nobody_writes_to_whom_may_not_sign_in_any_more(rich: Account) -> None:
    User.objects.update(is_active=False)
    spend(rich, "60")
    tasks.tell_of_balances()

    assert [address for address, _ in told()] == [""]


def test_only_wallets_that_moved_lately_are_looked_at(rich: Account, bob: Account, give: Give) -> None:
    give(bob, "150")
    spend(rich, "60")
    task_runs.note(low_balances.TASK)
    later = timezone.now() + timedelta(minutes=3)

    with CaptureQueriesContext(connection) as queries:
        assert low_balances.look(now=later) == 0

    assert not [query for query in queries if 'FROM "llm_credits"' in query["sql"]]
    assert tasks.tell_of_balances() == 1


def test_calls_that_cost_more_than_was_held_are_told_of_once_a_day(rich: Account) -> None:
    tasks.tell_of_balances()
    assert told() == []
    for _ in range(2):
        capture(held(rich, NANO), 3 * NANO)
        tasks.tell_of_balances()

    ((_, headline),) = told()
    today = f"{Journal.objects.latest('pk').created_at:%Y-%m-%d}"
    assert headline == f"Calls of {today} cost 2 credits more than was held for them"
    data = Alert.objects.get().data
    assert (data["day"], data["credits"]) == (today, "2")


def test_a_check_that_finds_something_is_told_of(rich: Account) -> None:
    tasks.check_ledger()
    assert told() == []
    Account.objects.filter(pk=rich.pk).update(posted=149 * NANO)

    tasks.check_ledger()

    alert = Alert.objects.get()
    assert alert.headline.startswith("The ledger is wrong: ")
    assert f"wallet:{rich.user_id}: posted is {149 * NANO}" in alert.text


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_tell_once(rich: Account) -> None:
    spend(rich, "60")

    assert sorted(in_threads([partial(low_balances.look)] * 4)) == [0, 0, 0, 1]

    assert len(told()) == 2
    assert notices.of_overruns() is False
