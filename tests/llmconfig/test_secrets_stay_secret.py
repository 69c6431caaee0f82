"""A stored key is never shown again, in nothing that anybody reads."""

import json

import pytest
from django.core.management import call_command
from django.db import connection

from llmconfig import snapshot
from llmconfig.models import AIServer, ProviderKey
from opscenter.core import secrets
from opscenter.core.models import AuditEntry, Secret
from tests.llmconfig.api import OPENAI_SECRET, SERVER_SECRET, Api, chat_on, on_key, on_server

BOTH = (OPENAI_SECRET, SERVER_SECRET)


def test_no_answer_shows_a_secret(alice: Api) -> None:
    server, key = alice.server(api_key=SERVER_SECRET), alice.key()
    model = alice.model(on_server(server), on_key(key), input_price="1")
    active = alice.post("active", chat_on("ai_server", server, "m1"))
    answers = [
        active,
        *(alice.get(path) for path in ("servers", "api-keys", "active", "active/chat", "models", "deployments")),
        alice.get(f"servers/{server['id']}"),
        alice.get(f"api-keys/{key['id']}"),
        alice.get(f"models/{model['id']}"),
        alice.patch(f"servers/{server['id']}", {"model_path": "x"}),
        alice.patch(f"api-keys/{key['id']}", {"api_key": OPENAI_SECRET}),
        alice.post("api-keys", {"provider": "openai", "key_name": "main", "api_key": OPENAI_SECRET}),
        alice.post("servers", {"name": "gpu", "server_type": "x", "api_key": SERVER_SECRET}),
        alice.delete(f"api-keys/{key['id']}"),
    ]

    assert [answer.status for answer in answers[-3:]] == [422, 422, 409]
    for answer in answers:
        assert not any(secret in answer.text for secret in BOTH), answer.text


def test_the_audit_log_shows_the_mask_alone(alice: Api) -> None:
    server, key = alice.server(api_key=SERVER_SECRET), alice.key()
    alice.patch(f"servers/{server['id']}", {"api_key": "another-secret-abcd"})
    alice.delete(f"api-keys/{key['id']}")

    entries = list(
        AuditEntry.objects.filter(entity_type__in=("ai_servers", "llm_api_keys"))
        .order_by("id")
        .values("action", "entity_type", "changes", "source", "user_id")
    )

    text = json.dumps(entries)
    assert not any(secret in text for secret in (*BOTH, "another-secret-abcd"))
    assert [(entry["action"], entry["entity_type"]) for entry in entries] == [
        ("create", "ai_servers"),
        ("create", "llm_api_keys"),
        ("update", "ai_servers"),
        ("delete", "llm_api_keys"),
    ]
    assert entries[2]["changes"] == {
        "before": {"api_key": "****77aa (version 1)"},
        "after": {"api_key": "****abcd (version 2)"},
    }
    assert all(entry["source"] == "api" and entry["user_id"] for entry in entries)


def test_the_database_holds_no_plaintext(alice: Api) -> None:
    alice.server(api_key=SERVER_SECRET)
    alice.key()

    for table in ("core_secrets", "ai_servers", "llm_api_keys", "llm_config_audit"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            text = repr([[bytes(c) if isinstance(c, memoryview) else c for c in row] for row in cursor.fetchall()])
        assert not any(secret in text for secret in BOTH), table


def test_a_snapshot_does_not_print_its_keys(alice: Api) -> None:
    alice.model(on_server(alice.server(api_key=SERVER_SECRET)), on_key(alice.key()), input_price="1")

    loaded = snapshot.load()

    assert {target.api_key for target in loaded.models["m1"].targets} == set(BOTH)
    assert not any(secret in repr(loaded) for secret in BOTH)


def test_a_ciphertext_moved_to_another_row_is_refused(alice: Api) -> None:
    alice.server(api_key=SERVER_SECRET)
    alice.key()
    server, key = AIServer.objects.get(), ProviderKey.objects.get()
    assert server.api_key and key.encrypted_key

    Secret.objects.filter(pk=key.encrypted_key.pk).update(ciphertext=server.api_key.ciphertext)
    key.refresh_from_db()

    with pytest.raises(secrets.SecretUnreadable):
        secrets.reveal(Secret.objects.get(pk=key.encrypted_key.pk), owner=key)


def test_a_pointer_moved_to_another_rows_secret_is_refused_even_once_decrypted(alice: Api) -> None:
    alice.model(on_server(alice.server(api_key=SERVER_SECRET)), on_key(alice.key()), input_price="1")
    assert len(snapshot.load().models["m1"].targets) == 2

    ProviderKey.objects.update(encrypted_key=AIServer.objects.get().api_key)

    assert [target.provider for target in snapshot.load().models["m1"].targets] == ["local"]


def test_the_schema_marks_secrets_as_written_only(alice: Api, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--format", "openapi-json")
    schema = json.loads(capsys.readouterr().out)

    shown = [name for name, part in schema["components"]["schemas"].items() if _shows_key(part)]
    # For superusers who entered their password again: test_platform_keys.py.
    assert shown == ["DecryptedKeyOut"]
    assert "/api/v1/llm-config/servers" in schema["paths"]
    assert "/api/v1/llm-config/servers/" not in schema["paths"]


def _shows_key(part: dict[str, dict[str, dict[str, bool]]]) -> bool:
    field = part.get("properties", {}).get("api_key")
    return field is not None and not field.get("writeOnly", False)
