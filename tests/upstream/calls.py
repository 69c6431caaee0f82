"""The upstream's log of what was called, so that tests can compare it with what was charged."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web


@dataclass(slots=True)
class Call:
    """One request as the upstream saw it; updated by the server while it answers."""

    number: int
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: Any  # parsed JSON, or None
    fault: str  # "" when well-behaved
    at: float = field(default_factory=time.time)
    status: int | None = None
    events_sent: int = 0  # written frames of a stream, or halves of a plain body; [DONE] counts
    usage: Any = None  # as reported to the caller
    finished: bool = False  # everything that was meant to be sent was sent
    hung_up: bool = False  # told to end it early, and did
    client_gone: bool = False  # the caller hung up first
    ended: bool = False  # the upstream is through with it, however that went

    @property
    def model(self) -> str | None:
        return self.body.get("model") if isinstance(self.body, dict) else None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"model": self.model}


CALL = web.RequestKey("call", Call)


class CallLog(list[Call]):
    """In the order of arrival. Written by the server's thread, read by the test's."""

    def to(self, path: str) -> list[Call]:
        return [call for call in self if call.path == path]

    def for_model(self, model: str) -> list[Call]:
        return [call for call in self if call.model == model]

    @property
    def in_flight(self) -> list[Call]:
        return [call for call in self if not call.ended]
