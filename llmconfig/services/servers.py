"""AI servers: writing, testing and asking them what they serve."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.db import transaction

from llmconfig.errors import KeyNeededAgain, ProviderUnreachable
from llmconfig.health import questions, recording
from llmconfig.models import AIServer
from llmconfig.services.in_use import refuse_if_used
from llmconfig.services.probe import Probe
from llmconfig.services.rows import locked, store
from opscenter.core import changes, secret_versions


class Keep(Enum):
    """Stands for the secret that is stored: it is never read to be written again."""

    STORED = "stored"


def create(*, fields: Mapping[str, Any], api_key: str | None = None) -> AIServer:
    return store(AIServer(), fields, secrets_for={"api_key": api_key} if api_key else None)


def update(*, server: AIServer, fields: Mapping[str, Any], api_key: str | Keep | None = Keep.STORED) -> AIServer:
    """`api_key` replaces the stored key, "" or None removes it; the former is erased: nobody could revert to it.

    Raises KeyNeededAgain where `base_url` moves to another origin and the stored key would go there unasked.
    """
    with transaction.atomic():
        fresh = locked(server)
        if isinstance(api_key, Keep):
            moved = AIServer(base_url=fields.get("base_url", fresh.base_url))
            moved.clean()
            if fresh.api_key_id and moved.origin != fresh.origin:
                raise KeyNeededAgain
            return store(server, fields)
        changed = api_key or fresh.api_key_id
        stored = store(server, fields, secrets_for={"api_key": api_key} if changed else None)
        for version in secret_versions.versions_of(stored):
            secret_versions.revoke(version)
        return stored


def delete(*, server: AIServer) -> None:
    """Raises InUse."""
    with transaction.atomic():
        fresh = locked(server)
        refuse_if_used(fresh)
        changes.delete(fresh)


def test_connection(*, server: AIServer) -> Probe:
    """Ask the server for its models and store how it is; that is no change of its configuration."""
    result = questions.answered(questions.of_server(server))
    recording.record_test(server, result)
    return result


def models(*, server: AIServer) -> Probe:
    """What the server serves now. Raises ProviderUnreachable."""
    result = questions.answered(questions.of_server(server))
    if result.status == AIServer.Health.UNHEALTHY:
        raise ProviderUnreachable(result.message)
    return result
