"""GET /api/v1/llm/credits."""

from django.contrib.auth.models import Group
from django.test import Client

from credits.amounts import NANO
from credits.models import Account
from credits.services import wallets
from tests.credits.conftest import Give
from tests.credits.ledger import held

URL = "/api/v1/llm/credits"


def signed_in(client: Client, account: Account) -> Client:
    assert account.user is not None
    client.force_login(account.user)
    return client


def allowed(client: Client, account: Account) -> Client:
    assert account.user is not None
    account.user.groups.add(Group.objects.get(name="LLM user"))
    return signed_in(client, account)


def test_it_says_what_is_there_and_what_is_free(client: Client, alice: Account, give: Give) -> None:
    give(alice, "1000")
    held(alice, 7 * NANO // 10)
    wallets.set_tier(account=alice, tier="starter")
    response = allowed(client, alice).get(URL)
    assert response.status_code == 200
    assert response.json() == {
        "balance": "1000",
        "held": "0.7",
        "available": "999.3",
        "tier": "starter",
        "status": "active",
        "unit": {"name": "credit", "per_usd": "1000", "smallest": "0.000000001"},
    }


def test_it_is_never_stale_after_a_write(client: Client, alice: Account, give: Give) -> None:
    browser = allowed(client, alice)
    assert browser.get(URL).json()["balance"] == "0"
    give(alice, "5")
    assert browser.get(URL).json()["balance"] == "5"


def test_each_sees_their_own(client: Client, alice: Account, bob: Account, give: Give) -> None:
    give(alice, "5")
    assert allowed(client, bob).get(URL).json()["balance"] == "0"


def test_whoever_lacks_the_permission_is_refused(client: Client, alice: Account) -> None:
    assert signed_in(client, alice).get(URL).status_code == 403


def test_nobody_is_refused(client: Client, db: None) -> None:
    response = client.get(URL)
    assert response.status_code in (401, 403)
    assert response.json()["error"]["type"] in ("authentication_error", "permission_error")
