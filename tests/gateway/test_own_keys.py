"""/api/v1/llm/keys: people make, look at, change and revoke their own keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core import changes
from opscenter.core.limits import Limits
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import caller_by, key_of, person, wallet
from tests.gateway.tokens import by_bearer
from tests.llmconfig.api import Answer, Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]

KEYS = "/api/v1/llm/keys"


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user")


@pytest.fixture
def api(bob: User) -> Api:
    return Api(bob)


def make(api: Api, **fields: Any) -> Any:
    answer = api.post(KEYS, {"name": "mine", **fields})
    assert answer.status == 201, answer.text
    return answer.body


def at(key: Any, what: str = "") -> str:
    return f"{KEYS}/{key['id']}{what}"


def in_days(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


def refused_fields(answer: Answer) -> set[str]:
    assert answer.status == 422, answer.text
    return set(answer.body["error"]["details"]["fields"])


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


# --- children ---

BOUNDS: dict[str, Any] = {
    "environment": "staging",
    "power_level": "balanced",
    "allowed_models": ["m1", "m2"],
    "allowed_purposes": ["chat"],
    "rpm": 10,
    "tpm": 1000,
    "concurrency": 3,
    "budget_credits": "100",
    "budget_period": "month",
}
BEYOND: dict[str, Any] = {
    "environment": "prod",
    "power_level": "precision",
    "allowed_models": ["m1", "m3"],
    "allowed_purposes": ["chat", "embeddings"],
    "rpm": 11,
    "tpm": 1001,
    "concurrency": 4,
    "budget_credits": "100.000000001",
}


def test_a_child_is_as_its_parent_where_it_says_nothing(api: Api) -> None:
    parent = make(api, component="evals", expires_at=in_days(3), **BOUNDS)
    child = make(api, parent=parent["id"])

    assert (child["environment"], child["power_level"], child["parent"]) == ("staging", "balanced", parent["id"])
    assert child["rpm"] is child["allowed_models"] is child["expires_at"] is None
    assert child["in_force"] == parent["in_force"]
    assert child["in_force"]["budgets"] == [{"credits": "100", "period": "month"}]


def test_a_child_that_would_exceed_its_parent_is_refused_field_by_field(api: Api) -> None:
    parent = make(api, expires_at=in_days(3), **BOUNDS)
    beyond = {**BEYOND, "expires_at": in_days(4)}

    for field, value in beyond.items():
        assert refused_fields(api.post(KEYS, {"name": "x", "parent": parent["id"], field: value})) == {field}
    together = api.post(KEYS, {"name": "x", "parent": parent["id"], **beyond})
    assert refused_fields(together) == set(beyond)
    assert together.code == "beyond_bounds"
    assert VirtualKey.objects.count() == 1


def test_a_change_does_not_lift_a_child_above_its_parent_either(api: Api) -> None:
    parent = make(api, expires_at=in_days(3), **BOUNDS)
    child = make(api, parent=parent["id"], rpm=1)

    for field, value in {**BEYOND, "expires_at": in_days(4)}.items():
        assert refused_fields(api.patch(at(child), {field: value})) == {field}
    assert api.patch(at(child), {"rpm": 10, "name": "more"}).status == 200
    assert api.patch(at(child), {"rpm": None}).body["in_force"]["rpm"] == 10


def test_a_grandchild_stays_within_all_of_them_and_keys_go_five_deep(api: Api) -> None:
    first = make(api, rpm=10)
    key = make(api, parent=first["id"], allowed_models=["m1"])
    assert refused_fields(api.post(KEYS, {"name": "x", "parent": key["id"], "rpm": 11})) == {"rpm"}
    for _ in range(3):
        key = make(api, parent=key["id"])

    assert (key["in_force"]["rpm"], key["in_force"]["allowed_models"]) == (10, ["m1"])
    assert refused_fields(api.post(KEYS, {"name": "x", "parent": key["id"]})) == {"parent"}


def test_a_narrowed_parent_narrows_its_children_who_may_still_be_renamed(api: Api) -> None:
    parent = make(api, rpm=10)
    child = make(api, parent=parent["id"], rpm=8)

    api.patch(at(parent), {"rpm": 2, "expires_at": in_days(1)})

    shown = api.get(at(child)).body
    assert (shown["rpm"], shown["in_force"]["rpm"]) == (8, 2)
    assert shown["in_force"]["expires_at"] is not None
    assert api.patch(at(child), {"name": "still"}).status == 200
    assert refused_fields(api.patch(at(child), {"rpm": 7})) == {"rpm"}


def test_nothing_is_made_under_a_key_that_has_ended(api: Api) -> None:
    parent = make(api)
    child = make(api, parent=parent["id"])
    VirtualKey.objects.filter(pk=parent["id"]).update(expires_at=timezone.now())

    assert api.post(KEYS, {"name": "x", "parent": parent["id"]}).code == "key_ended"
    assert api.post(KEYS, {"name": "x", "parent": child["id"]}).code == "key_ended"
    assert api.post(at(child, "/rotate")).code == "key_ended"
    assert api.get(at(child)).body["state"] == "expired"


def test_a_child_is_paid_as_its_parent_is(api: Api, bob: User) -> None:
    carols = wallet(person("carol"))
    parent = key_of(bob, account=carols)

    child = make(api, parent=parent.row.pk)

    assert VirtualKey.objects.get(pk=child["id"]).account == carols


# --- what an operator made ---


def test_what_an_operator_made_is_narrowed_only(api: Api, bob: User) -> None:
    limits = Limits(rpm=10, tpm=1000, concurrency=3)
    given = {name: value for name, value in BOUNDS.items() if name not in ("rpm", "tpm", "concurrency")}
    made = {"id": key_of(bob, limits=limits, expires_at=timezone.now() + timedelta(days=3), **given).row.pk}
    open_ = dict.fromkeys(
        ("allowed_models", "allowed_purposes", "rpm", "tpm", "concurrency", "budget_credits", "expires_at")
    )

    for field, value in [*{**BEYOND, "expires_at": in_days(4)}.items(), *open_.items()]:
        assert refused_fields(api.patch(at(made), {field: value})) == {field}
    assert refused_fields(api.patch(at(made), {"budget_period": "day"})) == {"budget_credits"}
    narrower = {"rpm": 5, "allowed_models": ["m1"], "budget_credits": "1", "power_level": "eco", "component": "mine"}
    assert api.patch(at(made), narrower).status == 200
    assert refused_fields(api.patch(at(made), {"rpm": 6})) == {"rpm"}
    assert api.post(at(made, "/rotate")).status == 200


# --- revoking ---


def test_a_revoked_key_takes_those_made_under_it_along(api: Api) -> None:
    parent, other = make(api), make(api)
    child = make(api, parent=make(api, parent=parent["id"])["id"])

    api.delete(at(parent))

    assert api.get(at(child)).body["state"] == "revoked"
    assert list(VirtualKey.objects.live()) == [VirtualKey.objects.get(pk=other["id"])]
    assert AuditEntry.objects.filter(action="revoke").count() == 3


def test_many_are_revoked_by_their_ids_or_by_what_they_have_in_common(api: Api) -> None:
    one, two = make(api, component="a"), make(api, component="a", environment="prod")
    child = make(api, parent=one["id"], component="b")
    rest = [make(api, component="c"), make(api, component="c", environment="prod"), make(api, name="odd")]

    def revoke(**wanted: Any) -> int:
        answer = api.post(f"{KEYS}/revoke", wanted)
        assert answer.status == 200, answer.text
        return int(answer.body["revoked"])

    assert revoke(component="c", environment="Production") == 1
    assert revoke(ids=[one["id"], child["id"], two["id"], one["id"]]) == 3
    assert revoke(ids=[one["id"]]) == revoke(component="a") == revoke(name="nothing") == 0
    assert revoke(name="odd") == 1
    assert [key.pk for key in VirtualKey.objects.live()] == [rest[0]["id"]]


def test_which_ones_has_to_be_said(api: Api) -> None:
    made = make(api)

    bodies: list[dict[str, Any]] = [
        {},
        {"ids": []},
        {"ids": [made["id"]], "name": "mine"},
        {"component": ""},
        {"ids": ["x"]},
    ]
    for body in bodies:
        assert api.post(f"{KEYS}/revoke", body).status == 422, body
    assert VirtualKey.objects.live().count() == 1


def test_a_key_whose_parent_ran_out_is_nobodys(bob: User) -> None:
    parent = key_of(bob, expires_at=timezone.now() + timedelta(days=1))
    child = key_of(bob, parent=parent.row)
    assert caller_by(child).expires_at == caller_by(parent).expires_at

    parent.row.expires_at = timezone.now()
    changes.save(parent.row)

    assert by_bearer(child.plaintext)("GET", "/api/v1/llm/credits").status_code == 401
