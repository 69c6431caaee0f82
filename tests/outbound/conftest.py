"""A listener that nobody may connect to, and an operator."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group

from opscenter.core.models import User
from tests.llmconfig.api import Api
from tests.outbound.listeners import Listener


@pytest.fixture
def canary() -> Iterator[Listener]:
    with Listener().running() as listener:
        yield listener


@pytest.fixture
def operator(db: None) -> User:
    user = User.objects.create_superuser("alice", password=None)
    user.groups.add(Group.objects.get(name="LLM admin"))
    return user


@pytest.fixture
def alice(operator: User) -> Api:
    return Api(operator)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that a connection was tried to; none but loopback's gets an answer."""
    seen: list[str] = []
    connect = asyncio.selector_events.BaseSelectorEventLoop.sock_connect

    async def sock_connect(loop: Any, sock: Any, address: Any) -> None:
        seen.append(address[0])
        if not (address[0].startswith("127.") or address[0] in ("::1", "::ffff:127.0.0.1")):
            raise ConnectionRefusedError
        await connect(loop, sock, address)

    monkeypatch.setattr(asyncio.selector_events.BaseSelectorEventLoop, "sock_connect", sock_connect)
    return seen
