"""An installation's start, with what its environment has of keys and hosts."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from llmconfig.services import first_catalog, take_over
from opscenter.core.audit import Actor, acting_as

GROQ, OPENAI, OTHER = (f"key-{token_hex(12)}{tail}" for tail in ("aa11", "bb22", "cc33"))


def start() -> list[Any]:
    with acting_as(Actor.command("serve")):
        first_catalog.fill()
        return take_over.take_over()


@pytest.fixture
def environment(settings: Any) -> dict[str, dict[str, str]]:
    settings.PLATFORM_API_KEYS = {"openrouter": "", "openai": "", "groq": ""}
    settings.AI_SERVER_HOSTS = {"vllm": "", "ollama": ""}
    return {"keys": settings.PLATFORM_API_KEYS, "hosts": settings.AI_SERVER_HOSTS}


@pytest.fixture(scope="module")
def filled_catalog(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A first start has been, whose catalog takes a second: once for all tests of a module."""
    with django_db_blocker.unblock(), transaction.atomic():
        first_catalog.fill()
        # Else each test checks at its end what all these rows point to.
        connection.check_constraints()
        yield
        transaction.set_rollback(True)
