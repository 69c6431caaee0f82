"""GET /api/v1/llm/credits."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits.amounts import NANO
from credits.models import Account, Journal, Lot, Plan
from credits.services import wallets
from tests.credits.conftest import Give
from tests.credits.ledger import held
from tests.credits.people import Asking, consumer
from tests.processes import free_port


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
        "unit": {"name": "credit", "per_usd": "1000", "smallest": "0.000000001"},
    }


def test_it_names_the_plan(alice: Account) -> None:
    plan = Plan.objects.create(slug="of-a-test", name="Of a test", tier="starter", credits_nano=5 * NANO)
    Account.objects.filter(pk=alice.pk).update(plan=plan)
    said = consumer(alice).get("/credits").json()["plan"]
    assert said == {"slug": "of-a-test", "name": "Of a test", "credits": "5", "period": "month"}


def test_debt_is_told(alice: Account) -> None:
    Account.objects.filter(pk=alice.pk).update(debt=3 * NANO // 2)
    assert consumer(alice).get("/credits").json()["debt"] == "1.5"


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
