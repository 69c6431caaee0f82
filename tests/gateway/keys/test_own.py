"""/api/v1/llm/keys: people make, look at and change their own keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core.models import AuditEntry, User
from tests.gateway.keys.asking import KEYS, at, in_days, make
from tests.gateway.people import key_of, person, wallet
from tests.gateway.tokens import by_bearer
from tests.llmconfig.api import Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_key_is_made_and_shown_this_once(api: Api, bob: User) -> None:
    ends = in_days(1)
    wanted = {
        "environment": "Production", "component": "evals", "power_level": "eco", "allowed_models": ["m1"],
        "allowed_purposes": ["chat"], "rpm": 5, "tpm": 1000, "concurrency": 2, "budget_credits": "0.500000001",
        "budget_period": "week", "expires_at": ends,
    }  # fmt: skip

    answer = api.post(KEYS, {"name": "mine", **wanted})

    made, plaintext = answer.body, answer.body["key"]
    row = VirtualKey.objects.get()
    assert (answer.status, row.user, row.account, row.self_issued) == (201, bob, wallet(bob), True)
    assert row.secret_hash == keys.hash_key(plaintext)
    assert made | wanted | {"environment": "prod", "expires_at": made["expires_at"]} == made
    assert made["state"] == "active"
    shown = api.get(at(made))
    assert shown.body == {name: value for name, value in made.items() if name != "key"}
    assert plaintext not in api.get(KEYS).text + shown.text
    assert answer.etag == shown.etag
    assert AuditEntry.objects.get(action="create", entity_type="llm_virtual_keys").user_id == bob.pk


def test_the_answer_with_the_key_is_kept_by_nobody_on_the_way(bob: User) -> None:
    client = Client()
    client.force_login(bob)
    answer = client.post(KEYS, {"name": "mine"}, content_type="application/json")

    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("environment", "moon"), ("environment", 1), ("power_level", "none"),
        ("allowed_models", []), ("allowed_models", "m1"), ("allowed_purposes", ["dance"]), ("rpm", 0), ("tpm", -1),
        ("concurrency", 2**31), ("budget_credits", "-1"), ("budget_credits", 0.5), ("budget_credits", "many"),
        ("budget_period", "year"), ("expires_at", "2020-01-01T00:00:00Z"), ("parent", 0), ("parent", 10**6),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_422_that_names_the_field(api: Api, field: str, value: object) -> None:
    answer = api.post(KEYS, {"name": "mine", field: value})

    assert (answer.status, answer.body["error"]["param"].partition(".")[0]) == (422, field), answer.text
    assert not VirtualKey.objects.exists()


def test_a_key_is_changed_where_nobody_changed_it_meanwhile(api: Api) -> None:
    made = make(api, rpm=5)
    etag = api.get(at(made)).etag

    changed = api.patch(at(made), {"rpm": None, "name": "other"}, if_match=etag)
    late = api.patch(at(made), {"rpm": 1}, if_match=etag)

    assert (changed.status, changed.body["rpm"], changed.body["name"], changed.body["version"]) == (
        200,
        None,
        "other",
        2,
    )
    assert late.status == 412
    assert api.patch(at(made), {"parent": made["id"], "self_issued": False, "user": 1}).body["parent"] is None


def test_a_deleted_key_is_revoked_and_stays_to_be_seen(api: Api) -> None:
    made = make(api)

    assert api.delete(at(made)).status == 204
    assert api.delete(at(made)).status == 204
    assert api.get(at(made)).body["state"] == "revoked"
    assert api.patch(at(made), {"name": "again"}).code == "key_ended"
    assert api.post(at(made, "/rotate")).code == "key_ended"


def test_nobody_sees_or_touches_another_ones_keys(api: Api) -> None:
    others = Api(person("carol", "LLM user"))
    theirs, mine = make(others), make(api)
    root = Api(person("root", is_superuser=True))

    for stranger in (api, root):
        answers = [
            stranger.get(at(theirs)), stranger.patch(at(theirs), {"name": "x"}), stranger.delete(at(theirs)),
            stranger.post(at(theirs, "/rotate")), stranger.post(f"{KEYS}/revoke", {"ids": [theirs["id"]]}),
        ]  # fmt: skip
        assert [answer.status for answer in answers] == [404] * 5
    assert api.post(KEYS, {"name": "x", "parent": theirs["id"]}).body["error"]["param"] == "parent"
    assert api.post(f"{KEYS}/revoke", {"ids": [mine["id"], theirs["id"]]}).status == 404
    assert api.post(f"{KEYS}/revoke", {"name": "mine"}).body == {"revoked": 1}
    assert [row["id"] for row in api.get(KEYS).body["results"]] == [mine["id"]]
    assert others.get(at(theirs)).body["state"] == "active"


def test_access_tokens_are_no_keys(bob: User) -> None:
    token = keys.issue_access_token(user=bob)

    api = by_bearer(token.plaintext)
    assert api("GET", KEYS).json()["count"] == 0
    assert api("POST", f"{KEYS}/{token.row.pk}/rotate", {}).status_code == 404
    assert api("POST", KEYS, {"name": "by a token"}).status_code == 201


def test_a_virtual_key_manages_no_keys(bob: User) -> None:
    key = key_of(bob)
    api = by_bearer(key.plaintext)

    answers = [
        api("GET", KEYS), api("POST", KEYS, {"name": "x"}), api("GET", f"{KEYS}/{key.row.pk}"),
        api("PATCH", f"{KEYS}/{key.row.pk}", {}), api("DELETE", f"{KEYS}/{key.row.pk}"),
        api("POST", f"{KEYS}/{key.row.pk}/rotate", {}), api("POST", f"{KEYS}/revoke", {"ids": [key.row.pk]}),
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [403] * 7
    assert "sign in" in answers[0].json()["error"]["message"]


def test_who_may_not_call_models_has_no_keys_to_manage() -> None:
    answer = Api(person("nobody")).post(KEYS, {"name": "mine"})

    assert answer.status == 403
    assert "llm.execute" in answer.message


def test_a_user_has_so_many_live_keys_and_no_more(api: Api, bob: User, settings: Settings) -> None:
    settings.VIRTUAL_KEYS_PER_USER = 2
    first = make(api)
    key_of(bob, expires_at=timezone.now() - timedelta(seconds=1))
    keys.issue_access_token(user=bob)
    make(api)

    refused = api.post(KEYS, {"name": "third"})

    assert (refused.status, refused.code) == (409, "too_many_keys")
    assert refused.body["error"]["details"] == {"live": 2, "limit": 2}
    api.delete(at(first))
    make(api)


@pytest.mark.django_db(transaction=True)
def test_the_limit_holds_for_keys_that_are_made_at_once(transactional_db: None, settings: Settings) -> None:
    settings.VIRTUAL_KEYS_PER_USER = 2
    bob = person("bob", "LLM user")

    def make_one(_: int) -> int:
        try:
            return Api(bob).post(KEYS, {"name": "mine"}).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make_one, range(4))) == [201, 201, 409, 409]


def test_the_list_is_narrowed(api: Api) -> None:
    parent = make(api, component="a", environment="prod")
    child = make(api, component="b", parent=parent["id"])
    gone = make(api, name="gone", component="a")
    api.delete(at(gone))

    def found(query: str) -> list[int]:
        return sorted(row["id"] for row in api.get(f"{KEYS}?{query}").body["results"])

    assert found("component=a") == [parent["id"], gone["id"]]
    assert found("environment=production") == [parent["id"], child["id"]]
    assert found(f"parent={parent['id']}") == [child["id"]]
    assert found("name=gone") == found("state=revoked") == [gone["id"]]
    assert found("state=active") == [parent["id"], child["id"]]
    assert found("parent=123456") == []
    odd = ("state=odd", "environment=odd", "parent=odd", f"parent={10**30}")
    assert [api.get(f"{KEYS}?{query}").status for query in odd] == [422] * 4


def test_the_list_asks_the_database_as_often_for_many_keys(api: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(KEYS).status == 200
        return len(captured)

    parent = make(api)
    make(api, parent=parent["id"])
    few = queries()
    for _ in range(5):
        make(api, parent=make(api)["id"])

    assert queries() == few < 12
