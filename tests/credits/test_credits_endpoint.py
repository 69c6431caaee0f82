"""GET /api/v1/llm/credits."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits import periods
from credits.amounts import NANO
from credits.ledger.moves import BudgetCap, Held, Refused
from credits.models import Account, AlertRules, Budget, Journal, Lot, Plan
from credits.services import expiry, wallets
from tests.credits.conftest import Give
from tests.credits.ledger import capture, claw_back, held, pass_time, post, reserve
from tests.credits.people import Asking, consumer
from tests.processes import free_port

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _nothing_cached() -> None:
    cache.clear()


def expiring(account: Account, *credits: int, first_in: timedelta = timedelta(days=1)) -> None:
    """Has the wallet's credits in lots, one expiring a day after the other; past the ledger."""
    first = timezone.now() + first_in
    for n, amount in enumerate(credits):
        expires_at = first + timedelta(days=n)
        Lot.objects.create(
            account=account,
            journal=Journal.objects.latest("pk"),
            amount=amount * NANO,
            remaining=amount * NANO,
            expires_at=expires_at,
        )
    Account.objects.filter(pk=account.pk).update(expiring=sum(credits) * NANO, next_expiry_at=first)


def test_it_says_what_is_there_and_what_is_free(alice: Account, give: Give) -> None:
    give(alice, "1000")
    held(alice, 7 * NANO // 10)
    wallets.set_tier(account=alice, tier="starter")
    Account.objects.update(plan=None)
    response = consumer(alice).get("/credits")
    assert response.status_code == 200
    assert response.json() == {
        "balance": "1000",
        "held": "0.7",
        "available": "999.3",
        "debt": "0",
        "status": "active",
        "tier": "starter",
        "plan": None,
        "expiring": [],
        "low_balance": {"threshold": "100", "is_low": False},
        "budget": None,
        "unit": {"name": "credit", "per_usd": "1000", "smallest": "0.000000001"},
    }


def test_it_names_the_plan(alice: Account) -> None:
    plan = Plan.objects.create(slug="of-a-test", name="Of a test", tier="starter", credits_nano=5 * NANO)
    Account.objects.filter(pk=alice.pk).update(plan=plan)
    said = consumer(alice).get("/credits").json()["plan"]
    assert said == {"slug": "of-a-test", "name": "Of a test", "credits": "5", "period": "month"}


def test_debt_is_told_and_that_calls_are_refused_until_it_is_paid(alice: Account) -> None:
    browser = consumer(alice)
    claw_back(alice, 3 * NANO // 2)
    said = browser.get("/credits").json()
    assert (said["debt"], said["status"]) == ("1.5", "indebted")
    assert isinstance(reserve(alice, 0), Refused)
    post(alice, 2 * NANO)
    said = browser.get("/credits").json()
    assert (said["debt"], said["status"], said["balance"]) == ("0", "active", "0.5")
    assert isinstance(reserve(alice, 0), Held)


def test_whom_an_operator_froze_is_frozen_with_or_without_a_debt(alice: Account) -> None:
    browser = consumer(alice)
    claw_back(alice, 1)
    wallets.freeze(account=alice)
    assert browser.get("/credits").json()["status"] == "frozen"
    post(alice, 1)
    assert browser.get("/credits").json()["status"] == "frozen"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (None, {"threshold": "10", "is_low": True}),
        ("0.5", {"threshold": "0.5", "is_low": False}),
        ("5", {"threshold": "5", "is_low": False}),
        ("5.000000001", {"threshold": "5.000000001", "is_low": True}),
        ("0", {"threshold": "0", "is_low": False}),
    ],
)
def test_it_says_from_where_on_the_balance_is_low(
    alice: Account, give: Give, own: str | None, said: dict[str, Any]
) -> None:
    AlertRules.objects.update_or_create(pk=1, defaults={"low_balance_credits": Decimal(10)})
    give(alice, "5")
    wallets.set_low_balance(account=alice, low_balance_credits=Decimal(own) if own else None)
    assert consumer(alice).get("/credits").json()["low_balance"] == said


def test_the_accounts_budget_is_that_of_the_window_that_runs(alice: Account, give: Give) -> None:
    give(alice, "100")
    wallets.set_budget(account=alice, budget_credits=Decimal(10), budget_period="month")
    browser, now = consumer(alice), timezone.now()
    window = periods.window("month", now)
    unused = {"window": window, "amount": "10", "spent": "0", "held": "0", "left": "10"}
    assert browser.get("/credits").json()["budget"] == unused

    earlier = BudgetCap(Budget.OF_ACCOUNT, alice.pk, "2020-01", 10 * NANO)
    capture(held(alice, 3 * NANO, budgets=(earlier,)), 3 * NANO)
    assert browser.get("/credits").json()["budget"] == unused

    cap = earlier._replace(window=window)
    capture(held(alice, 3 * NANO, budgets=(cap,)), 2 * NANO)
    held(alice, NANO, budgets=(cap,))
    assert browser.get("/credits").json()["budget"] == {**unused, "spent": "2", "held": "1", "left": "7"}

    wallets.set_budget(account=alice, budget_credits=Decimal(2), budget_period="month")
    assert browser.get("/credits").json()["budget"] == {
        **unused,
        "amount": "2",
        "spent": "2",
        "held": "1",
        "left": "0",
    }


def test_what_expires_is_listed_soonest_first(alice: Account, give: Give) -> None:
    give(alice, "10")
    expiring(alice, 3, 2)
    said = consumer(alice).get("/credits").json()
    assert [lot["amount"] for lot in said["expiring"]] == ["3", "2"]
    assert said["expiring"][0]["expires_at"] < said["expiring"][1]["expires_at"]
    assert said["available"] == "10"


def test_what_has_expired_is_not_available_though_nobody_moved_it_yet(alice: Account, give: Give) -> None:
    give(alice, "10")
    held(alice, 5 * NANO)
    expiring(alice, 3, 2, first_in=-timedelta(seconds=1))
    said = consumer(alice).get("/credits").json()
    assert (said["balance"], said["held"], said["available"]) == ("10", "5", "2")
    assert [lot["amount"] for lot in said["expiring"]] == ["2"]


def test_what_open_calls_may_still_use_of_it_is_not_taken_twice(alice: Account) -> None:
    post(alice, 10 * NANO)
    post(alice, 10 * NANO, lasts_s=60)
    held(alice, 5 * NANO)
    pass_time(61)
    before = consumer(alice).get("/credits").json()["available"]
    expiry.expire()
    assert before == consumer(alice).get("/credits").json()["available"] == "10"


def test_it_is_never_stale_after_a_write_whoever_makes_it(alice: Account, give: Give) -> None:
    """Nothing tells the cache of a write, as nothing in another process could."""
    browser = consumer(alice)
    give(alice, "5")
    expiring(alice, 5)
    assert browser.get("/credits").json()["expiring"][0]["amount"] == "5"
    give(alice, "1")
    Lot.objects.update(remaining=4 * NANO)
    said = browser.get("/credits").json()
    assert (said["balance"], said["expiring"][0]["amount"]) == ("6", "4")


def test_what_did_not_change_is_not_read_again(alice: Account, give: Give) -> None:
    give(alice, "5")
    expiring(alice, 5)
    browser = consumer(alice)
    first = browser.get("/credits").json()
    with CaptureQueriesContext(connection) as captured:
        assert browser.get("/credits").json() == first
    assert not [query for query in captured if "credits_lots" in query["sql"]]
    assert len([query for query in captured if '"llm_credits"' in query["sql"]]) == 1


def test_it_does_without_a_cache_that_is_away(alice: Account, give: Give) -> None:
    away = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.2, "IGNORE_EXCEPTIONS": True},
    }
    browser = consumer(alice)
    with override_settings(CACHES={"default": away}):
        for balance in ("5", "10"):
            give(alice, "5")
            expiring(alice, 5)
            assert browser.get("/credits").json()["balance"] == balance


def test_each_sees_their_own(alice: Account, bob: Account, give: Give) -> None:
    give(alice, "5")
    assert consumer(bob).get("/credits").json()["balance"] == "0"


def test_whoever_lacks_the_permission_is_refused(alice: Account) -> None:
    assert alice.user is not None
    assert Asking(alice.user).get("/credits").status_code == 403


def test_nobody_is_refused(client: Client, db: None) -> None:
    response = client.get("/api/v1/llm/credits")
    assert response.status_code in (401, 403)
    assert response.json()["error"]["type"] in ("authentication_error", "permission_error")
