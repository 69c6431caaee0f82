"""/api/v1/llm/keys: what is revoked or ran out takes along what was made under it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.models import VirtualKey
from opscenter.core import changes
from opscenter.core.models import AuditEntry, User
from tests.gateway.keys.asking import KEYS, at, make
from tests.gateway.people import caller_by, key_of
from tests.gateway.tokens import by_bearer
from tests.llmconfig.api import Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]


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
