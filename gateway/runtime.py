"""What a web process keeps for all of its calls, started and stopped with the server's lifespan."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from credits.writer import LedgerWriter
from gateway.breaker import Breaker
from gateway.gauges import Gauges
from gateway.inflight import InFlight
from gateway.limits.limiter import Limiter
from gateway.once.keeper import AnswerKeeper
from gateway.recorder import Recorder
from gateway.routing.measured import Measured
from gateway.routing.peers import Peers
from gateway.session_callers import SessionCallers
from gateway.snapshot import SnapshotKeeper
from gateway.telemetry import Telemetry
from gateway.transports.base import Transport
from gateway.transports.litellm import LiteLLM
from gateway.transports.relay import Relay

log = logging.getLogger(__name__)


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


# Up before its first snapshot a server would answer 503; one whose database is away has to come up all the same.
_FIRST_SNAPSHOT_S = 5.0


class Runtime:
    """One per process; every part has one owner, this. `clock` says which window of budgets and limits a call is in."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self.clock = clock
        self.snapshots = SnapshotKeeper()
        self.sessions = SessionCallers()
        self.writer = LedgerWriter()
        gauges = Gauges()
        self.telemetry = Telemetry(look=lambda: gauges.look(self))
        self.recorder = Recorder(watch=self.telemetry.put)
        self.breaker = Breaker()
        self.measured = Measured()
        self.peers = Peers.from_settings(self.measured, self.breaker)
        self.limits = Limiter.from_settings(now_ms=lambda: int(clock().timestamp() * 1000))
        self.inflight = InFlight(self.writer)
        self.answers = AnswerKeeper()
        self._transports: dict[str, Transport] = {
            "relay": Relay(),
            "litellm": LiteLLM(),
        }

    async def start(self) -> None:
        self.snapshots.start()
        self.writer.start()
        self.recorder.start()
        self.telemetry.start()
        self.inflight.start()
        await self.limits.start()
        self.peers.start()
        await asyncio.to_thread(self.snapshots.wait, _FIRST_SNAPSHOT_S)

    async def stop(self) -> None:
        """Calls first, then what they report to."""
        await self.inflight.stop()
        await self.limits.stop()
        await self.peers.stop()
        for transport in self._transports.values():
            await transport.aclose()
        for part in (self.answers, self.writer, self.recorder, self.telemetry, self.sessions, self.snapshots):
            await asyncio.to_thread(part.stop)

    def transport(self, name: str) -> Transport:
        """relay or litellm."""
        return self._transports[name]


_runtime: Runtime | None = None


def current() -> Runtime:
    """This process's runtime. Raises RuntimeError outside of a running server."""
    if _runtime is None:
        raise RuntimeError("the gateway serves calls only inside an ASGI server with lifespan support")
    return _runtime


async def start(*, clock: Clock = utc_now) -> Runtime:
    global _runtime  # noqa: PLW0603 - the one place where the process's runtime is made
    _runtime = Runtime(clock=clock)
    await _runtime.start()
    return _runtime


async def stop() -> None:
    global _runtime  # noqa: PLW0603 - see start()
    if _runtime is not None:
        await _runtime.stop()
        _runtime = None


def is_ready() -> bool:
    """Whether calls can be served now: started, and the snapshot is fresh."""
    return _runtime is not None and _runtime.snapshots.is_fresh
