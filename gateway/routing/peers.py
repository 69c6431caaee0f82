"""What processes tell each other of targets over Redis: what they measured, and what their calls have opened.

In the background alone: no call waits for it. Without Redis, or while it is away, each goes by what it sees itself.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import msgspec
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.breaker import Breaker, Opening
from gateway.routing.measured import Measured, Told

log = logging.getLogger(__name__)

EXCHANGE_S = 0.5
PREFIX = "opscenter:routing:"
_SILENCE_MS = 3_000
_LAST_WORDS_S = 1.0
_SCRIPT = (Path(__file__).parent / "peers.lua").read_text()
_KEYS = f"{PREFIX}said", f"{PREFIX}spoke"


class Words(msgspec.Struct):
    """By key of the target."""

    seen: dict[str, Told]
    opened: dict[str, Opening]


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Words).decode


class Peers:
    """One per process. `is_away`: Redis is wanted and was not reached at the last try."""

    def __init__(self, measured: Measured, breaker: Breaker, *, redis_url: str, timeout_s: float = 0.2) -> None:
        self.is_away = False
        self._id = uuid4().hex
        self._measured, self._breaker = measured, breaker
        self._timeout_s = timeout_s
        self._redis: Redis | None = None
        if redis_url:
            self._redis = Redis.from_url(redis_url, retry=Retry(NoBackoff(), 0), single_connection_client=False)
        self._talking: asyncio.Task[None] | None = None
        self._is_stopping = False

    @classmethod
    def from_settings(cls, measured: Measured, breaker: Breaker) -> Self:
        return cls(measured, breaker, redis_url=settings.REDIS_URL, timeout_s=settings.LIMITS_TIMEOUT_S)

    def start(self) -> None:
        if self._redis is not None:
            self._talking = asyncio.get_running_loop().create_task(self._talk())

    async def stop(self) -> None:
        """Take leave, so that nobody goes by what this process said last."""
        if self._redis is None:
            return
        self._is_stopping = True
        if self._talking is not None:
            self._talking.cancel()
            # A cancellation that comes as the exchange times out may be lost in it; the next round sees the mark.
            await asyncio.wait((self._talking,), timeout=_LAST_WORDS_S)
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await self._redis.hdel(_KEYS[0], self._id)
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._redis.aclose()

    async def exchange(self) -> None:
        """Tell and hear once. Raises RedisError, OSError, TimeoutError."""
        assert self._redis is not None
        words = _pack(Words(self._measured.tell(), self._breaker.tell()))
        async with asyncio.timeout(self._timeout_s):
            answer: Any = await self._redis.eval(_SCRIPT, 2, *_KEYS, self._id, words, _SILENCE_MS)
        self._hear(answer)

    def _hear(self, answer: list[bytes]) -> None:
        said: dict[str, Words] = {}
        for name, words in zip(answer[::2], answer[1::2], strict=True):
            # Another release may put it otherwise.
            with suppress(msgspec.DecodeError):
                if (peer := name.decode()) != self._id:
                    said[peer] = _unpack(words)
        self._measured.hear(one.seen for one in said.values())
        self._breaker.hear({peer: one.opened for peer, one in said.items()})

    async def _talk(self) -> None:
        while not self._is_stopping:
            try:
                await self.exchange()
            except (RedisError, OSError, TimeoutError) as error:
                self._leave(error)
            except Exception:
                # Without it this process would go by old words for ever.
                log.exception("routing: an exchange with the other processes failed; it is tried again")
            else:
                self._return()
            await asyncio.sleep(EXCHANGE_S)

    def _leave(self, error: Exception) -> None:
        if not self.is_away:
            log.warning("routing: Redis is away; until it is back each process goes by what it sees itself: %s", error)
        self.is_away = True
        self._measured.hear(())

    def _return(self) -> None:
        if self.is_away:
            log.warning("routing: Redis is back")
        self.is_away = False
