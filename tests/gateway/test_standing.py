"""What a caller could have held at this moment, by which a quote tells what would refuse the call."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from credits.ledger.moves import BudgetCap
from credits.models import Budget
from gateway import standing
from gateway.runtime import utc_now
from gateway.services.keys import IssuedKey
from gateway.standing import Standing
from tests.credits import ledger
from tests.gateway.people import caller_by, key_of, person, wallet

pytestmark = pytest.mark.once


def _standing(key: IssuedKey) -> Standing:
    """Read as it is meant to be, by a thread that leaves no connection."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(standing.read, caller_by(key), utc_now()).result()


@pytest.mark.django_db(transaction=True)
def test_what_has_expired_is_not_there_any_more() -> None:
    key = key_of(bob := person("bob", "LLM user", credits_nano=100))
    ledger.post(wallet(bob), 50, lasts_s=60)
    before = _standing(key).available
    ledger.pass_time(61)

    assert (before, _standing(key).available) == (150, 100)


@pytest.mark.django_db(transaction=True)
def test_a_budget_has_what_its_own_window_has_left() -> None:
    key = key_of(person("bob", "LLM user"), budget_credits=Decimal("0.000001"))
    (cap,) = [budget.at(utc_now()) for budget in caller_by(key).budgets]
    own = {"scope": cap.scope, "scope_id": cap.scope_id, "window": cap.window}
    for other in ({"scope": "another"}, {"scope_id": cap.scope_id + 1}, {"window": "2020"}):
        Budget.objects.create(cap=cap.cap_nano, spent=cap.cap_nano, **{**own, **other})
    untouched = _standing(key).budgets
    Budget.objects.create(cap=cap.cap_nano, spent=300, held=200, **own)

    assert untouched == ((cap, 1000),)
    assert _standing(key).budgets == ((cap, 500),)
    Budget.objects.filter(**own).update(spent=5000)
    assert _standing(key).budgets == ((cap, 0),)


@pytest.mark.parametrize(
    ("lefts", "minimum", "reason", "left"),
    [
        ((), 100, None, None),
        ((), 101, "insufficient", 100),
        ((50,), 50, None, None),
        ((50,), 51, "budget", 50),
        ((70, 50, 60), 55, "budget", 50),
        ((200,), 150, "insufficient", 100),
        ((100,), 101, "insufficient", 100),
        ((0,), 0, None, None),
    ],
)
def test_the_tighter_of_wallet_and_budgets_refuses(
    lefts: tuple[int, ...], minimum: int, reason: str | None, left: int | None
) -> None:
    caps = [BudgetCap("key", number, "2026", 1000) for number in range(len(lefts))]

    refused = Standing(100, True, tuple(zip(caps, lefts, strict=True))).refusal(minimum=minimum)

    assert (refused and refused.reason, refused and refused.available) == (reason, left)
    if refused and refused.reason == "budget":
        assert refused.budget == caps[lefts.index(refused.available)]


def test_who_may_not_spend_is_refused_what_is_free() -> None:
    refused = Standing(100, False, ()).refusal(minimum=0)

    assert refused is not None
    assert refused.reason == "frozen"
