"""Limits in Redis, where all processes share them: many operations in one call of one script, by Redis's own clock.

One connection, used by one task at a time. Whatever goes wrong is a RedisError; after it the connection is made anew.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from redis.asyncio import Connection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeout

from gateway.limits.claims import WINDOW_S, Change, Claim, Give, Operation, Outcome, State, Take

PREFIX = "opscenter:limits:"
_SCRIPT = (Path(__file__).parent / "script.lua").read_text()
_TAKE, _GIVE, _RENEW = range(3)

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class RedisLimits:
    """`lease_s` is how long a slot outlives the last sign of its holder. `now_ms` replaces Redis's own clock."""

    def __init__(self, url: str, *, timeout_s: float, lease_s: float, now_ms: int | None = None) -> None:
        self.now_ms = now_ms
        self._timeout_s = timeout_s
        self._lease_ms = int(lease_s * 1000)
        pool = ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=None, protocol=2)
        self._connection: Connection = pool.make_connection()  # type: ignore[no-untyped-call]  # redis types it not
        self._sha = ""

    async def open(self) -> None:
        """Connect if need be, and make sure that the script is there. Raises RedisError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._prepare()
        except TimeoutError as error:
            await self.close()
            raise RedisTimeout("Redis did not answer in time") from error

    async def run(self, operations: Sequence[Operation]) -> list[Outcome | None]:
        """Carry all of them out, in order; an outcome for each take. Raises RedisError: then some may have been.

        A connection that was lost while nobody used it is made anew at once.
        """
        keys, packed = _encode(operations)
        now = "" if self.now_ms is None else self.now_ms
        arguments = (len(keys), *keys, now, WINDOW_S, self._lease_ms, packed)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._evaluate(arguments)
        except TimeoutError as error:
            await self.close()
            raise RedisTimeout("Redis did not answer in time") from error
        return [_outcome(one) for one in _unpack(answer)]

    async def close(self) -> None:
        await self._connection.disconnect(nowait=True)
        self._sha = ""

    async def _evaluate(self, arguments: tuple[Any, ...]) -> bytes:
        try:
            return await self._call(arguments)
        except (ConnectionLost, NoScriptError):
            await self.close()
            return await self._call(arguments)

    async def _call(self, arguments: tuple[Any, ...]) -> bytes:
        if not self._sha or not self._connection.is_connected:
            await self._prepare()
        answer: bytes = await self._command("EVALSHA", self._sha, *arguments)
        return answer

    async def _prepare(self) -> None:
        self._sha = str(await self._command("SCRIPT LOAD", _SCRIPT), "ascii")

    async def _command(self, *arguments: Any) -> Any:
        try:
            await self._connection.send_command(*arguments)
            return await self._connection.read_response()
        except OSError as error:
            raise ConnectionLost(str(error)) from error


def _encode(operations: Sequence[Operation]) -> tuple[list[str], bytes]:
    """(names of the counters, operations that name them by number, counted from 1 as Lua does)."""
    numbers: dict[str, int] = {}

    def number(key: str) -> int:
        return numbers.setdefault(key, len(numbers) + 1)

    packed = [_encoded(operation, number) for operation in operations]
    return [PREFIX + key for key in numbers], _pack(packed)


def _encoded(operation: Operation, number: Any) -> list[Any]:
    if isinstance(operation, Take):
        claims: tuple[Claim, ...] = operation.claims
        return [_TAKE, operation.id, [[kind, number(key), *rest] for kind, key, *rest in claims]]
    if isinstance(operation, Give):
        changes: tuple[Change, ...] = operation.changes
        return [_GIVE, operation.id, [[kind, number(key), *rest] for kind, key, *rest in changes]]
    return [_RENEW, [[number(key), ids] for key, ids in operation.slots.items()]]


def _outcome(answer: Any) -> Outcome | None:
    if not answer:
        return None
    refused, wait_ms, granted, states = answer
    return Outcome(refused, wait_ms, granted, tuple(State(*state) for state in states))
