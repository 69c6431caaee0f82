"""What is seen on the wire while LiteLLM is at work on one call, and so what can be believed of what it says."""

from collections.abc import Iterable
from typing import Any

from gateway.transports.base import Body, Call
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamBroken, UpstreamError, UpstreamServerError
from gateway.transports.formats.chat import ChatEvents
from gateway.transports.json_body import decoded
from gateway.transports.wire import MAX_REPLY_BYTES

# How the APIs that LiteLLM translates name the tokens that they report.
_USAGE_MARKS = (b'"usage', b'"meta"', b'"prompt_eval_count"', b'"eval_count"', b'"inputTextTokenCount"')
_LONGEST_MARK = max(map(len, _USAGE_MARKS))
_EVENT_BEGINNINGS = (b"data:", b"event:", b":", b"id:", b"retry:")


class Observed:
    """Fed by the guarded transport with every byte of the answer; `failure` is the truth about what went wrong."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.failure: UpstreamError | None = None
        self.events: ChatEvents | None = None
        self.reported_usage = False
        self.openai_usage: Any = None
        self._speaks_openai = False
        self._is_stream = bool(call.body.get("stream"))
        self._parts: list[bytes] = []
        self._tail = b""
        self._reply: Any = None
        self._size = 0

    def fail(self, error: UpstreamError) -> UpstreamError:
        self.failure = self.failure or error
        return self.failure

    def feed(self, data: bytes) -> None:
        """Raises UpstreamError for what no upstream may send."""
        self._look_for_usage(data)
        if not self._is_stream:
            self._keep(data)
            return
        if self.events is None and not self._size and data.lstrip().startswith(_EVENT_BEGINNINGS):
            self.events = ChatEvents()
        self._size += len(data)
        if self.events is not None:
            self._note(self.events.feed(data))

    def finish(self) -> None:
        """The answer has ended properly, as far as HTTP can tell. Raises UpstreamError for one that is none."""
        if self.events is not None:
            self.events.finish()
        elif not self._is_stream:
            self._reply = decoded(b"".join(self._parts))
            self._parts = []
            if isinstance(self._reply, dict) and self._reply.get("error"):
                raise UpstreamServerError

    @property
    def is_whole(self) -> bool:
        """False when the bytes prove that a stream was cut, whatever LiteLLM made of it."""
        if self.events is None or not self._speaks_openai:
            return True
        return self.events.is_whole

    @property
    def speaks_openai(self) -> bool:
        return self._speaks_openai

    @property
    def has_reply(self) -> bool:
        return self._reply is not None

    @property
    def reply_as_asked(self) -> Body | None:
        """The plain answer as received, if it was one in the very format that was asked in."""
        if not isinstance(self._reply, dict):
            return None
        try:
            self.call.format.check(self._reply)
        except UpstreamError:
            return None
        return self._reply

    def _look_for_usage(self, data: bytes) -> None:
        if not self.reported_usage:
            seen = self._tail + data
            self.reported_usage = any(mark in seen for mark in _USAGE_MARKS)
            self._tail = seen[-_LONGEST_MARK:]

    def _keep(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_REPLY_BYTES:
            raise UpstreamBroken("The provider sent an answer that is too large.")

    def _note(self, events: Iterable[Chunk]) -> None:
        for event in events:
            if event.said.choices is not None:
                self._speaks_openai = True
                self.openai_usage = event.said.usage or self.openai_usage
