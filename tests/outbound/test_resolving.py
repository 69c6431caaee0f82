"""The address that is checked is the address connected to, whatever a resolver says from one moment to the next."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from opscenter.core.outbound import OutboundRefused, Policy, guarded_session
from tests.outbound.listeners import Listener

PUBLIC = "8.8.8.8"
PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fec0::1")


class Resolver:
    """Gives its answers in turn, the last one for ever; as a name server with a TTL of zero does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> None:
        self._answers = list(answers)
        self.asked = 0
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in answer
        ]


async def _get(port: int, policy: Policy, *, times: int = 1) -> list[BaseException | None]:
    """One session's failures, one request after the other, its DNS cache forgotten in between."""
    failures: list[BaseException | None] = []
    async with guarded_session(policy) as session:
        for _ in range(times):
            try:
                async with session.get(f"http://innocent.example:{port}/", allow_redirects=False):
                    failures.append(None)
            except (aiohttp.ClientError, OSError) as error:
                failures.append(getattr(error, "os_error", error))
            connector = session.connector
            assert isinstance(connector, aiohttp.TCPConnector)
            connector.clear_dns_cache()
    return failures


@pytest.mark.parametrize("private", PRIVATE)
def test_a_name_that_turns_private_is_not_followed(
    canary: Listener, dialled: list[str], monkeypatch: pytest.MonkeyPatch, private: str
) -> None:
    resolver = Resolver(monkeypatch, (PUBLIC,), (private,))

    first, second = asyncio.run(_get(canary.port, Policy.PUBLIC, times=2))

    monkeypatch.undo()
    assert (type(first), type(second)) == (ConnectionRefusedError, OutboundRefused)
    assert (set(dialled), resolver.asked) == ({PUBLIC}, 2)
    assert canary.connections == 0


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize("public_first", [True, False])
def test_of_several_addresses_only_the_public_are_dialled(
    canary: Listener, dialled: list[str], monkeypatch: pytest.MonkeyPatch, private: str, public_first: bool
) -> None:
    answer = (PUBLIC, private) if public_first else (private, PUBLIC)
    Resolver(monkeypatch, answer)

    (failure,) = asyncio.run(_get(canary.port, Policy.PUBLIC))

    monkeypatch.undo()
    assert failure is not None
    assert set(dialled) == {PUBLIC}
    assert canary.connections == 0


def test_of_several_addresses_metadata_is_never_dialled(
    canary: Listener, dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, ("169.254.169.254", "10.0.0.1"))

    asyncio.run(_get(canary.port, Policy.PRIVATE_ALLOWED))

    assert set(dialled) == {"10.0.0.1"}


def test_without_the_guard_the_same_name_is_connected_to(
    canary: Listener, dialled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, ("127.0.0.1",))

    async def get() -> None:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.get(f"http://innocent.example:{canary.port}/")

    asyncio.run(get())
    monkeypatch.undo()
    assert canary.connections >= 1
