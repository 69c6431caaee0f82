"""Rotating a provider key through the API: tried first, switched to at once or later, the former kept for a while."""

import threading
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from llmconfig import snapshot, tasks
from llmconfig.models import ProviderKey
from llmconfig.services import due_rotations, rotation
from opscenter.core import secrets
from opscenter.core.models import Alert, AuditEntry, ConfigVersion, Secret
from tests.llmconfig.api import OPENAI_SECRET, Answer, Api, on_key
from tests.upstream import Upstream

pytestmark = pytest.mark.once

NEXT = f"{token_hex(12)}abcd"
THIRD = f"{token_hex(12)}ef01"


@pytest.fixture(autouse=True)
def openai_is_the_test_upstream(upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url, "groq": upstream.base_url}


def rotate(api: Api, key: Any, api_key: str = NEXT, **wanted: Any) -> Answer:
    return api.post(f"api-keys/{key['id']}/rotate", {"api_key": api_key, **wanted})


def do(api: Api, key: Any, number: int, what: str, **wanted: Any) -> Answer:
    return api.post(f"api-keys/{key['id']}/versions/{number}/{what}", wanted)


def versions(api: Api, key: Any) -> list[tuple[int, str, str, bool | None]]:
    rows = api.get(f"api-keys/{key['id']}/versions").body["results"]
    return [(row["number"], row["state"], row["masked_key"], row["decrypts"]) for row in rows]


def in_use(key: Any) -> str:
    """What calls carry."""
    row = ProviderKey.objects.get(pk=key["id"])
    assert row.encrypted_key
    return secrets.reveal(row.encrypted_key, owner=row)


def late(key: Any) -> None:
    """The time of the staged key has come."""
    ProviderKey.objects.filter(pk=key["id"]).update(activates_at=timezone.now() - timedelta(seconds=1))


def test_a_new_key_is_tried_then_used_and_the_former_is_kept_for_its_grace_period(
    alice: Api, upstream: Upstream
) -> None:
    key = alice.key(grace_days=3)
    alice.model(on_key(key), input_price="1")
    before = ConfigVersion.objects.get().version

    answer = rotate(alice, key)

    assert answer.status == 200, answer.text
    assert (answer.body["key"]["masked_key"], answer.body["probe"]["status"]) == ("****abcd", "healthy")
    (call,) = upstream.calls
    assert (call.path, call.headers["authorization"]) == ("/v1/models", f"Bearer {NEXT}")
    assert snapshot.load().models["m1"].targets[0].api_key == NEXT
    assert ConfigVersion.objects.get().version == before + 1
    assert versions(alice, key) == [(2, "active", "****abcd", True), (1, "retired", "****5d80", True)]
    kept = Secret.objects.get(number=1).kept_until
    assert kept and timedelta(days=2, hours=23) < kept - timezone.now() <= timedelta(days=3)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.entity_id) == ("rotate", str(key["id"]))
    assert entry.changes["before"]["encrypted_key"] == "****5d80 (version 1)"
    assert entry.changes["after"]["encrypted_key"] == "****abcd (version 2)"
    assert NEXT not in answer.text + str(entry.changes)


@pytest.mark.parametrize(("fault", "reason"), [("status-401", "the API key is refused"), ("status-503", "503")])
def test_a_key_that_its_provider_does_not_take_changes_nothing_unless_forced(
    alice: Api, upstream: Upstream, fault: str, reason: str
) -> None:
    key = alice.key()
    upstream.behave("/v1/models", fault)

    refused = rotate(alice, key)

    assert (refused.status, refused.code) == (422, "key_refused")
    assert reason in refused.message
    assert in_use(key) == OPENAI_SECRET
    assert rotate(alice, key, force=True).status == 200
    assert in_use(key) == NEXT


def test_a_provider_without_a_free_call_says_that_nothing_was_tried(alice: Api) -> None:
    key = alice.key(provider="perplexity")

    answer = rotate(alice, key)

    assert (answer.status, answer.body["probe"]["status"]) == (200, "unknown")


def test_a_staged_key_is_in_no_call_until_it_is_activated(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key), input_price="1")

    staged = rotate(alice, key, stage_only=True)

    assert (staged.body["key"]["masked_key"], staged.body["key"]["staged_key"]) == ("****5d80", "****abcd")
    assert snapshot.load().models["m1"].targets[0].api_key == OPENAI_SECRET
    assert rotate(alice, key, THIRD).status == 409
    done = do(alice, key, 2, "activate")
    assert (done.status, done.body["key"]["staged_key"]) == (200, None)
    assert snapshot.load().models["m1"].targets[0].api_key == NEXT
    assert do(alice, key, 2, "activate").status == 409
    assert list(AuditEntry.objects.order_by("-id").values_list("action", flat=True)[:2]) == ["activate", "stage"]


def test_a_key_reverts_to_a_version_that_is_kept(alice: Api) -> None:
    key = alice.key()
    rotate(alice, key)

    answer = do(alice, key, 1, "revert")

    assert (answer.status, in_use(key)) == (200, OPENAI_SECRET)
    assert versions(alice, key) == [(2, "retired", "****abcd", True), (1, "active", "****5d80", True)]
    kept = dict(Secret.objects.values_list("number", "kept_until"))
    assert kept[1] is None
    assert kept[2]
    assert AuditEntry.objects.latest("id").action == "revert"


def test_a_version_that_its_provider_refuses_by_now_is_not_reverted_to(alice: Api, upstream: Upstream) -> None:
    key = alice.key()
    rotate(alice, key)
    upstream.behave("/v1/models", "status-401")

    assert (do(alice, key, 1, "revert").code, in_use(key)) == ("key_refused", NEXT)


def test_what_is_revoked_is_erased_and_stays_in_the_history(alice: Api) -> None:
    key = alice.key()
    rotate(alice, key)
    rotate(alice, key, THIRD, stage_only=True)

    answers = [do(alice, key, number, "revoke") for number in (1, 3)]

    assert [answer.status for answer in answers] == [200, 200]
    assert [row[:2] for row in versions(alice, key)] == [(3, "revoked"), (2, "active"), (1, "revoked")]
    assert {bytes(row.ciphertext) for row in Secret.objects.filter(state="revoked")} == {b""}
    assert do(alice, key, 1, "revert").status == 409
    assert do(alice, key, 2, "revoke").status == 409
    assert do(alice, key, 9, "revoke").status == 404
    assert AuditEntry.objects.filter(action="revoke_version").count() == 2


def test_a_key_scheduled_for_later_goes_into_use_by_itself(alice: Api, upstream: Upstream) -> None:
    key = alice.key()
    moment = datetime(2100, 1, 1, 6, tzinfo=UTC)
    staged = rotate(alice, key, activates_at=moment.isoformat())
    assert staged.body["key"]["activates_at"] == "2100-01-01T06:00:00Z"
    assert tasks.rotate_due_keys() == {"activated": 0, "revoked": 0}
    late(key)

    assert tasks.rotate_due_keys.apply().get() == {"activated": 1, "revoked": 0}

    assert in_use(key) == NEXT
    assert AuditEntry.objects.latest("id").source == "task:rotate_due_keys"
    assert tasks.rotate_due_keys() == {"activated": 0, "revoked": 0}
    assert rotate(alice, key, THIRD, activates_at="2020-01-01T00:00:00Z").status == 422


def test_a_scheduled_key_that_is_refused_waits_and_says_why(
    alice: Api, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    key = alice.key()
    rotate(alice, key, activates_at="2100-01-01T00:00:00Z")
    late(key)
    upstream.behave("/v1/models", "status-401")

    assert [due_rotations.activate() for _ in range(2)] == [0, 0]

    shown = alice.get(f"api-keys/{key['id']}").body
    assert shown["activation_refusal"] == "It answered 401: the API key is refused."
    assert (in_use(key), len(caplog.records)) == (OPENAI_SECRET, 1)
    upstream.behave("/v1/models", "ok")
    assert due_rotations.activate() == 1
    assert alice.get(f"api-keys/{key['id']}").body["activation_refusal"] == ""


def test_former_keys_are_erased_once_they_were_kept_long_enough(alice: Api) -> None:
    key = alice.key()
    rotate(alice, key)
    assert due_rotations.revoke() == 0
    Secret.objects.filter(number=1).update(kept_until=timezone.now())

    assert due_rotations.revoke() == 1

    assert [row[:2] for row in versions(alice, key)] == [(2, "active"), (1, "revoked")]
    assert AuditEntry.objects.latest("id").action == "revoke_version"


def test_a_key_that_moves_to_another_provider_leaves_no_version_to_revert_to(alice: Api) -> None:
    key = alice.key()
    rotate(alice, key, stage_only=True)
    moved = {"provider": "groq", "api_key": THIRD}

    assert alice.patch(f"api-keys/{key['id']}", moved).status == 409
    do(alice, key, 2, "revoke")
    assert alice.patch(f"api-keys/{key['id']}", moved).status == 200

    assert [row[:2] for row in versions(alice, key)] == [(3, "active"), (2, "revoked"), (1, "revoked")]


def test_an_interval_says_when_a_key_is_due(alice: Api) -> None:
    key = alice.key(rotation_interval_days=90)
    made = Secret.objects.get().activated_at
    assert made

    due = datetime.fromisoformat(alice.get(f"api-keys/{key['id']}").body["rotation_due_at"])

    assert abs(due - made - timedelta(days=90)) < timedelta(minutes=1)
    alice.patch(f"api-keys/{key['id']}", {"rotation_interval_days": 30})
    sooner = datetime.fromisoformat(alice.get(f"api-keys/{key['id']}").body["rotation_due_at"])
    assert abs(due - sooner - timedelta(days=60)) < timedelta(minutes=1)
    before = AuditEntry.objects.count()
    alice.patch(f"api-keys/{key['id']}", {"rotation_interval_days": 30})
    assert AuditEntry.objects.count() == before
    alice.patch(f"api-keys/{key['id']}", {"rotation_interval_days": None})
    assert alice.get(f"api-keys/{key['id']}").body["rotation_due_at"] is None


def test_people_are_reminded_of_a_key_that_is_due_until_it_is_rotated(
    alice: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    key = alice.key(rotation_interval_days=90)
    due = datetime.fromisoformat(alice.get(f"api-keys/{key['id']}").body["rotation_due_at"])
    week = timedelta(days=7, seconds=1)
    assert tasks.remind_of_rotations() == 0

    assert [due_rotations.remind(due + after) for after in (0 * week, week / 2, week)] == [1, 0, 1]

    assert caplog.messages.count(f"openai: main is due for rotation since {due:%Y-%m-%d}") == 2
    assert Alert.objects.get().about == str(key["id"])
    rotate(alice, key)
    assert due_rotations.remind(due) == 0


def test_a_row_says_whether_the_ring_opens_its_key(alice: Api, settings: Any) -> None:
    key = alice.key()
    server = alice.server(api_key=NEXT)
    assert (key["decrypts"], server["decrypts"], alice.server(name="keyless")["decrypts"]) == (True, True, None)
    rotate(alice, key)

    settings.BYOK_ENCRYPTION_KEY = Fernet.generate_key().decode()

    assert [row["decrypts"] for row in alice.get("api-keys").body["results"]] == [False]
    assert [row["decrypts"] for row in alice.get("servers").body["results"]] == [False, None]
    assert do(alice, key, 1, "revert", force=True).code == "key_unreadable"


def test_who_may_not_manage_providers_rotates_nothing(alice: Api, bob: Api, nobody: Api) -> None:
    key = alice.key()

    assert (rotate(bob, key).status, rotate(nobody, key).status) == (403, 401)
    assert bob.get(f"api-keys/{key['id']}/versions").status == 200
    assert do(bob, key, 1, "revoke").status == 403


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_leave_one_key_in_use_and_the_other_kept(alice: Api) -> None:
    key = ProviderKey.objects.get(pk=alice.key()["id"])
    start = threading.Barrier(2)

    def change(api_key: str) -> None:
        start.wait()
        rotation.rotate(key=key, api_key=api_key)
        connection.close()

    threads = [threading.Thread(target=change, args=(one,)) for one in (NEXT, THIRD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(Secret.objects.values_list("number", "state")) == [(1, "retired"), (2, "retired"), (3, "active")]
