"""A rotated key has another secret; the former works for the grace period, and ends by itself."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from gateway import tasks
from gateway.models import FormerSecret, VirtualKey
from gateway.services import key_rotation, keys
from opscenter.checks import virtual_keys_are_usable
from opscenter.core.models import AuditEntry, User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import caller_by, key_of, person
from tests.gateway.tokens import by_bearer
from tests.llmconfig.api import Api

pytestmark = pytest.mark.once

KEYS = "/api/v1/llm/keys"
BALANCE = "/api/v1/llm/credits"


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", "LLM user")


@pytest.fixture
def api(bob: User) -> Api:
    return Api(bob)


def made(api: Api) -> Any:
    return api.post(KEYS, {"name": "mine", "rpm": 5}).body


def rotated(api: Api, key: Any, **body: Any) -> Any:
    answer = api.post(f"{KEYS}/{key['id']}/rotate", body)
    assert answer.status == 200, answer.text
    return answer.body


def works(secret: str) -> bool:
    """For the management API, by the database."""
    return bool(by_bearer(secret)("GET", BALANCE).status_code == 200)


def test_a_rotated_key_has_another_secret_and_everything_else_as_it_was(api: Api, settings: Settings) -> None:
    settings.VIRTUAL_KEY_GRACE_S = 600
    key = made(api)

    new = rotated(api, key)

    assert new["key"] != key["key"]
    same = ("id", "masked_key", "name", "rpm", "in_force", "created_at", "state")
    assert [new[name] for name in same] == [key[name] for name in same]
    assert works(key["key"])
    assert works(new["key"])
    former = FormerSecret.objects.get()
    grace = former.expires_at - timezone.now()
    assert timedelta(seconds=300) < grace <= timedelta(seconds=600)
    shown = api.get(f"{KEYS}/{key['id']}").body
    assert shown["grace_ends_at"] == new["grace_ends_at"] is not None
    assert "key" not in shown
    entry = AuditEntry.objects.get(action="rotate")
    assert set(entry.changes["after"]) == {"rotated_at", "grace_ends_at"}
    assert not {key["key"], new["key"]} & set(json.dumps(list(AuditEntry.objects.values()), default=str).split('"'))


def test_a_former_secret_ends_when_its_grace_period_does(api: Api) -> None:
    key = made(api)
    new = rotated(api, key, grace_s=60)
    FormerSecret.objects.update(expires_at=timezone.now())
    VirtualKey.objects.update(grace_ends_at=timezone.now())

    assert not works(key["key"])
    assert works(new["key"])
    assert api.get(f"{KEYS}/{key['id']}").body["grace_ends_at"] is None


def test_several_rotations_leave_each_secret_its_own_grace_period(api: Api) -> None:
    key = made(api)
    secrets = [key["key"], *(rotated(api, key, grace_s=grace)["key"] for grace in (50, 500, 60))]

    assert all(works(secret) for secret in secrets)
    ends = FormerSecret.objects.order_by("-expires_at")[0].expires_at
    assert VirtualKey.objects.get().grace_ends_at == ends
    for _ in range(2):
        rotated(api, key)
    refused = api.post(f"{KEYS}/{key['id']}/rotate")
    assert (refused.status, refused.code) == (409, "too_many_secrets")
    assert not works(rotated(api, key, grace_s=0)["key"][:-1])


def test_without_a_grace_period_every_former_secret_ends_at_once(api: Api) -> None:
    key = made(api)
    second = rotated(api, key, grace_s=100)
    third = rotated(api, key, grace_s=0)

    assert [works(secret["key"]) for secret in (key, second, third)] == [False, False, True]
    assert third["grace_ends_at"] is None


@pytest.mark.parametrize("grace_s", [-1, 30 * 24 * 3600 + 1, "long", 1.5])
def test_what_is_no_grace_period_is_refused(api: Api, grace_s: object) -> None:
    key = made(api)

    answer = api.post(f"{KEYS}/{key['id']}/rotate", {"grace_s": grace_s})

    assert (answer.status, answer.body["error"]["param"]) == (422, "grace_s")
    assert works(key["key"])


def test_a_key_that_was_changed_meanwhile_is_not_rotated(api: Api) -> None:
    key = made(api)

    assert api.post(f"{KEYS}/{key['id']}/rotate", if_match='"older"').status == 412
    assert not FormerSecret.objects.exists()


def test_a_former_secret_does_not_outlive_its_key(bob: User) -> None:
    ends = timezone.now() + timedelta(seconds=60)
    key = key_of(bob, expires_at=ends)

    new = key_rotation.rotate(key.row, grace_s=3600)

    assert caller_by(key).expires_at == caller_by(new).expires_at == ends.timestamp()


def test_secrets_are_forgotten_once_their_grace_period_is_over(api: Api) -> None:
    key = made(api)
    rotated(api, key, grace_s=60)
    assert tasks.prune_access_tokens() == 0

    FormerSecret.objects.update(expires_at=timezone.now())

    assert tasks.prune_access_tokens() == 1
    assert not FormerSecret.objects.exists()


def test_settings_that_no_rotation_would_take_keep_everything_from_starting(settings: Settings) -> None:
    assert virtual_keys_are_usable() == []

    settings.VIRTUAL_KEY_GRACE_S = key_rotation.LONGEST_GRACE_S + 1

    assert [found.id for found in virtual_keys_are_usable()] == ["opscenter.E012"]


# --- at the gateway, which goes by what it has read ---


@pytest.fixture
def secret(serving: InProcess) -> keys.IssuedKey:
    return key_of(person("carol", "LLM user"))


def statuses(serving: InProcess, *secrets: keys.IssuedKey) -> list[int]:
    serving.sees_changes()
    return [serving.get("/v1/models", key=secret.plaintext).status_code for secret in secrets]


@pytest.mark.django_db(transaction=True)
def test_both_secrets_call_until_the_key_is_revoked(serving: InProcess, secret: keys.IssuedKey) -> None:
    assert statuses(serving, secret) == [200]
    new = key_rotation.rotate(secret.row, grace_s=3600)
    assert statuses(serving, secret, new) == [200, 200]
    third = key_rotation.rotate(secret.row, grace_s=3600)
    assert statuses(serving, secret, new, third) == [200, 200, 200]

    keys.revoke(third.row)

    assert statuses(serving, secret, new, third) == [401, 401, 401]


@pytest.mark.django_db(transaction=True)
def test_the_former_secret_ends_without_anybody_doing_anything(serving: InProcess, secret: keys.IssuedKey) -> None:
    assert statuses(serving, secret) == [200]
    new = key_rotation.rotate(secret.row, grace_s=1)
    serving.sees_changes()
    snapshot = serving.runtime.snapshots.current()

    eventually(lambda: serving.get("/v1/models", key=secret.plaintext).status_code == 401)

    assert serving.runtime.snapshots.current() is snapshot
    assert statuses(serving, new) == [200]


@pytest.mark.django_db(transaction=True)
def test_a_leaked_secret_ends_at_once(serving: InProcess, secret: keys.IssuedKey) -> None:
    assert statuses(serving, secret) == [200]
    new = key_rotation.rotate(secret.row, grace_s=0)

    assert statuses(serving, secret, new) == [401, 200]
