"""People are told when a budget is half used, at four fifths and at its end, once in each window."""

from typing import Any

import pytest

from credits.ledger import book
from credits.ledger.moves import BudgetCap, Capture, Reserve
from credits.models import BudgetMark
from gateway import tasks
from gateway.budgets import ACCOUNT, KEY
from gateway.services.keys import IssuedKey
from opscenter.core.ids import uuid7
from opscenter.core.models import Alert
from tests.gateway.people import key_of, person

pytestmark = pytest.mark.django_db

CREDIT = 10**9
OPERATOR, BOB = "ops@example.org", "bob@example.org"


@pytest.fixture
def key(settings: Any) -> IssuedKey:
    settings.ALERT_EMAILS, settings.EMAIL_URL = [OPERATOR], "smtp://127.0.0.1:25"
    bob = person("bob", credits_nano=1000 * CREDIT, email=BOB)
    return key_of(bob)


def spend(key: IssuedKey, credits: int, *, scope: str = KEY, window: str = "2026-11") -> None:
    account_id = key.row.account_id
    of = key.row.pk if scope == KEY else account_id
    hold_id, cap = uuid7(), BudgetCap(scope, of, window, 100 * CREDIT)
    book.apply([Reserve(hold_id, account_id, key.row.pk, credits * CREDIT, 1, budgets=(cap,))])
    book.apply([Capture(hold_id, account_id, 1, credits * CREDIT, "provider")])


def told(address: str) -> list[str]:
    return [alert.headline for alert in Alert.objects.filter(address=address).order_by("queued_at", "pk")]


def test_each_mark_is_told_of_once_to_operators_and_to_the_keys_user(key: IssuedKey) -> None:
    told_of = []
    for credits in (49, 1, 30, 20):
        spend(key, credits)
        told_of.append(tasks.tell_of_budgets())

    assert (told_of, tasks.tell_of_budgets()) == ([0, 1, 1, 1], 0)
    used = [f"has used {percent} % of its budget for 2026-11" for percent in (50, 80, 100)]
    assert told("") == [f"The virtual key {key.row} of bob {part}" for part in used]
    assert told(BOB) == [f"Your virtual key {key.row} {part}" for part in used]
    last = Alert.objects.filter(address="").latest("queued_at")
    assert (last.type, last.data["spent"], last.data["budget"]) == ("credits.budget_used", "100", "100")


def test_an_accounts_budget_is_told_of_too_and_in_each_window(key: IssuedKey) -> None:
    for window in ("2026-11", "2026-12"):
        spend(key, 60, scope=ACCOUNT, window=window)
        tasks.tell_of_budgets()

    assert told(BOB) == [f"Your account has used 50 % of its budget for 2026-{month}" for month in (11, 12)]


def test_whose_budget_nobody_knows_any_more_keeps_nobody_waiting(key: IssuedKey) -> None:
    spend(key, 60, scope="team")
    spend(key, 60)

    assert tasks.tell_of_budgets() == 2
    assert len(told(BOB)) == 1
    assert not BudgetMark.objects.filter(told_at=None).exists()
