"""Changing the key that encrypts: everything is put under the new one, and the former can be left out of the ring."""

from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.utils import timezone

from gateway.models import IdempotentCall
from llmconfig.models import AIServer, ProviderKey
from llmconfig.services import provider_keys, rotation, servers
from opscenter.core import audit_chain, checks, reencryption, sealed, secrets
from opscenter.core.ids import uuid7
from opscenter.core.models import AuditEntry, AuditHead, Secret, User
from opscenter.processes import free_port

KEYS = 30
CODES = ["one", "two"]


@pytest.fixture
def rings(db: None, settings: Any) -> tuple[str, str, str]:
    """(the former alone, both with the new one in front, the new one alone); the first is in force."""
    old, new = settings.BYOK_ENCRYPTION_KEY, Fernet.generate_key().decode()
    return old, f"{new},{old}", new


def fill() -> User:
    for number in range(KEYS):
        provider_keys.create(fields={"provider": "perplexity", "key_name": f"key {number}"}, api_key=plaintext(number))
    first = ProviderKey.objects.get(key_name="key 0")
    rotation.rotate(key=first, api_key="its second version")
    rotation.stage(key=first, api_key="its third version")
    fields = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000"}
    servers.create(fields=fields, api_key="the server's own")
    user = User.objects.create_user("root")
    factors = {
        "totp": {"secret": secrets.enclose("seed", owner=user), "counter": 7},
        "recovery_codes": {"migrated_codes": [secrets.enclose(code, owner=user) for code in CODES]},
    }
    for kind, data in factors.items():
        Authenticator.objects.create(user=user, type=kind, data=data)
    call = IdempotentCall(virtual_key_id=1, key="first", request_id=uuid7(), claimed_at=timezone.now())
    call.save()
    IdempotentCall.objects.filter(pk=call.pk).update(answer=secrets.enclose("Hello", owner=call))
    return user


# Each key's version, two more of the first, the server's, two factors, the audit log's end, an answer.
ROWS = KEYS + 2 + 1 + 2 + 1 + 1


def plaintext(number: int) -> str:
    return f"the key of number {number}"


def everything_opens(user: User) -> bool:
    for version in Secret.objects.all():
        model = AIServer if version.entity_type == "ai_servers" else ProviderKey
        secrets.reveal(version, owner=model._default_manager.get(pk=version.entity_id))
    call = IdempotentCall.objects.get()
    assert secrets.disclose(call.answer, owner=call) == "Hello"
    factors = {row.type: row.data for row in Authenticator.objects.all()}
    assert secrets.disclose(factors["totp"]["secret"], owner=user) == "seed"
    assert factors["totp"]["counter"] == 7
    return [secrets.disclose(code, owner=user) for code in factors["recovery_codes"]["migrated_codes"]] == CODES


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("rotate_encryption_key", *arguments, stdout=said)
    return said.getvalue()


def test_every_secret_is_put_under_the_new_key_and_the_former_can_go(rings: Any, settings: Any) -> None:
    user = fill()
    settings.BYOK_ENCRYPTION_KEY = rings[1]
    with pytest.raises(CommandError, match="They need the former key"):
        run("--check")

    said = run("--batch-size=7")

    assert f"{ROWS} of {ROWS} secrets are under a former key." in said
    assert f"0 of {ROWS} secrets are under a former key now; no key of the ring opens 0." in said
    settings.BYOK_ENCRYPTION_KEY = rings[2]
    assert everything_opens(user)
    assert AuditEntry.objects.latest("id").changes == {
        "before": {"under_a_former_key": ROWS},
        "after": {"reencrypted": ROWS},
    }
    assert audit_chain.is_sealed(AuditHead.objects.get())
    entries = AuditEntry.objects.count()
    assert "0 re-encrypted" in run()
    assert AuditEntry.objects.count() == entries


def test_a_run_that_was_stopped_is_made_again_and_finds_what_is_left(rings: Any, settings: Any) -> None:
    user = fill()
    settings.BYOK_ENCRYPTION_KEY = rings[1]

    def stop(seen: int, done: int) -> None:
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reencryption.reencrypt(batch_size=5, on_batch=stop)

    assert reencryption.take_stock().former == ROWS - 10
    assert everything_opens(user)
    assert reencryption.reencrypt() == ROWS - 10
    settings.BYOK_ENCRYPTION_KEY = rings[2]
    assert everything_opens(user)


def test_answers_which_may_be_long_are_read_a_few_at_a_time(rings: Any, settings: Any) -> None:
    for number in range(6):
        call = IdempotentCall(virtual_key_id=1, key=str(number), request_id=uuid7(), claimed_at=timezone.now())
        call.save()
        IdempotentCall.objects.filter(pk=call.pk).update(answer=secrets.enclose("Hello", owner=call))
    settings.BYOK_ENCRYPTION_KEY = rings[1]
    seen = [0]

    assert reencryption.reencrypt(on_batch=lambda rows, done: seen.append(rows)) == 6 + 1

    assert max(after - before for before, after in pairwise(seen)) == 4


def test_what_was_written_meanwhile_stays(rings: Any, settings: Any) -> None:
    fill()
    settings.BYOK_ENCRYPTION_KEY = rings[1]
    for place in sealed.PLACES:
        read = next(iter(place.after(None, 1)))
        stale = sealed.Sealed(read.pk, read.label, tuple(b"another" for _ in read.tokens))

        assert not place.replace(stale, read.tokens)
        assert place.replace(read, read.tokens)


def test_what_no_key_opens_is_named_and_the_rest_goes_on(rings: Any, settings: Any) -> None:
    fill()
    broken = Secret.objects.get(entity_type="ai_servers")
    Secret.objects.filter(pk=broken.pk).update(ciphertext=Fernet(Fernet.generate_key()).encrypt(b"x"))
    settings.BYOK_ENCRYPTION_KEY = rings[1]

    with pytest.raises(
        CommandError, match=f"1 secrets .* no key of the ring: ai_servers {broken.entity_id}, version 1"
    ):
        run()

    assert (reencryption.take_stock().former, reencryption.take_stock().unreadable) == (0, 1)


def test_a_ring_that_opens_nothing_starts_nothing(rings: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr("opscenter.workers.serve", started.append)
    monkeypatch.setattr("opscenter.celery.app.worker_main", started.append)
    fill()
    settings.BYOK_ENCRYPTION_KEY = rings[2]

    for command, options in (("serve", {"host": "127.0.0.1", "port": free_port(preferred=0)}), ("worker", {})):
        with pytest.raises(SystemCheckError, match="Put the former key back"):
            call_command(command, **options)

    assert not started
    settings.BYOK_ENCRYPTION_KEY = rings[1]
    assert checks.key_ring_is_the_right_one(["default"]) == []


def test_a_ring_that_opens_some_is_taken(rings: Any, settings: Any) -> None:
    assert checks.key_ring_is_the_right_one(["default"]) == []
    fill()
    settings.BYOK_ENCRYPTION_KEY = rings[2]
    assert [found.id for found in checks.key_ring_is_the_right_one(["default"])] == ["core.E005"]

    provider_keys.create(fields={"provider": "perplexity", "key_name": "new"}, api_key="sealed by the new ring")

    assert checks.key_ring_is_the_right_one(["default"]) == []


def test_where_a_key_is_lost_for_good_its_secrets_make_way(rings: Any, settings: Any) -> None:
    fill()
    settings.BYOK_ENCRYPTION_KEY = rings[2]
    provider_keys.create(fields={"provider": "perplexity", "key_name": "new"}, api_key="sealed by the new ring")
    said = StringIO()

    call_command("erase_unreadable_keys", stdout=said)
    assert "perplexity: key 0: 3 can't be read" in said.getvalue()
    assert not Secret.objects.filter(state="revoked").exists()
    call_command("erase_unreadable_keys", "--yes", stdout=said)

    assert Secret.objects.filter(state="revoked").count() == KEYS + 3
    assert [key.key_name for key in ProviderKey.objects.exclude(encrypted_key=None)] == ["new"]
    assert not ProviderKey.objects.exclude(staged_key=None).exists()
    assert AuditEntry.objects.filter(action="erase_unreadable").count() == KEYS + 1
    assert connection.check_constraints() is None  # type: ignore[func-returns-value]  # it raises
