"""Virtual keys: issued once, kept as a hash, revoked for good, every change audited."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core.models import AuditEntry, ConfigVersion
from tests.gateway.people import key_of, person, wallet

pytestmark = pytest.mark.django_db


def _version() -> int:
    return ConfigVersion.objects.get(pk=1).version


def test_a_key_is_long_random_and_kept_as_its_hash() -> None:
    bob = person("bob")
    first, second = key_of(bob), key_of(bob)

    prefix = f"sk-ops-{first.row.public_id}_"
    assert first.plaintext.startswith(prefix)
    assert len(first.plaintext) - len(prefix) >= 43
    assert first.plaintext != second.plaintext
    assert first.row.secret_hash == hashlib.sha256(first.plaintext.encode()).hexdigest()
    assert first.plaintext not in json.dumps(list(VirtualKey.objects.values()), default=str)


def test_a_key_is_paid_from_its_users_wallet_unless_told_otherwise() -> None:
    bob, carol = person("bob"), person("carol")

    assert key_of(bob).row.account == wallet(bob)
    assert key_of(bob, account=wallet(carol)).row.account == wallet(carol)


def test_a_keys_masked_form_gives_nothing_away() -> None:
    key = key_of(person("bob"))

    secret = key.plaintext.split("_", 1)[1]
    assert secret not in str(key.row)
    assert key.row.masked == f"sk-ops-{key.row.public_id}…"


def test_issuing_is_audited_without_the_secret() -> None:
    key = key_of(person("bob"))

    entry = AuditEntry.objects.get(entity_type="llm_virtual_keys", action="create")
    assert entry.entity_id == str(key.row.pk)
    told = json.dumps(entry.changes)
    assert "bob" not in key.plaintext
    assert key.plaintext not in told
    assert key.row.secret_hash not in told


def test_issuing_does_not_make_every_worker_read_everything_again() -> None:
    bob = person("bob")
    before = _version()
    key_of(bob)

    assert _version() == before


def test_revoking_is_audited_told_to_every_worker_and_final() -> None:
    key = key_of(person("bob")).row
    before = _version()

    keys.revoke(key)
    revoked_at = key.revoked_at
    keys.revoke(key)

    key.refresh_from_db()
    assert key.state == "revoked"
    assert key.revoked_at == revoked_at
    assert _version() > before
    assert AuditEntry.objects.filter(entity_type="llm_virtual_keys", action="revoke").count() == 1
    assert not VirtualKey.objects.live().exists()


def test_a_key_ends_when_it_says() -> None:
    bob = person("bob")
    past, future = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(hours=1)

    assert key_of(bob, expires_at=past).row.state == "expired"
    assert key_of(bob, expires_at=future).row.state == "active"
    assert VirtualKey.objects.live().count() == 1


def test_an_access_token_is_short_lived_and_told_apart() -> None:
    token = keys.issue_access_token(user=person("bob"))

    assert token.plaintext.startswith("ops-at-")
    assert token.row.kind == "access"
    assert token.row.expires_at is not None
    assert token.row.expires_at < timezone.now() + timedelta(days=1)
    assert not VirtualKey.objects.virtual().exists()


def test_who_may_call_models_already_joins_no_group() -> None:
    operator, newcomer = person("operator", "LLM admin"), person("newcomer")
    keys.let_execute(operator)
    keys.let_execute(newcomer)

    assert [group.name for group in operator.groups.all()] == ["LLM admin"]
    assert [group.name for group in newcomer.groups.all()] == ["LLM user"]
