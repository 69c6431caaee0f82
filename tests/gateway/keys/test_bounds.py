"""/api/v1/llm/keys: nobody makes or changes a key beyond its parent, or beyond what an operator gave."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.models import VirtualKey
from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.gateway.keys.asking import KEYS, at, in_days, make, refused_fields
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]

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
