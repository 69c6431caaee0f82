"""One HTTP/1.1 connection: uvicorn's, with bounds on what a client may send, how slowly, and how long it may not read.

Parsing is httptools'. Timers run only while a head or a body is incomplete, or written bytes wait for the client: a
chunk of an answer costs nothing more.
"""

import asyncio
import json
import select
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from opscenter.answer_writer import AnswerWriter
from opscenter.core.departures import WHEN_LEFT
from opscenter.core.errors import BadRequest, PayloadTooLarge, RequestTimeout, ServiceError

MOST_HEADERS = 100
MOST_HEAD_BYTES = 64 * 1024
_LOOK_AGAIN_S = 0.1


class HeadTooLarge(ServiceError):
    status = 431
    type = "invalid_request_error"
    default_code = "headers_too_large"


class State(ServerState):
    """What the connections of a server share; `stopping` since it listens no more."""

    stopping = False


class Connection(HttpToolsProtocol):
    """`_receiving` is the part of a request that is incomplete; between two requests nothing is."""

    server_state: State

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._receiving = ""
        self._head_bytes = self._body_bytes = 0
        self._is_large = False
        self._receive_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._leave: Callable[[], object] | None = None
        _give_up_unsent(transport)
        self._await_head()
        if self.server_state.stopping:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn leaves its timer, and with it the whole connection, where the client broke off.
        self._unset_keepalive_if_required()
        self._stop_receive_timer()
        self._stop_send_timer()
        self._tell_of_leaving()

    # --- what comes ---

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._is_large = len(data) > MOST_HEAD_BYTES
        super().data_received(data)
        if self._receiving == "head":
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse_head()
        if self._receive_timer is None and not self.transport.is_closing():
            if self._receiving == "body" and self._is_busy:
                self._await_body()
            elif self._receiving or not self._is_busy:
                # Bytes that belong to no call: the beginning of one, empty lines, what is left of a refused body.
                self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._receiving = "head"
        self._head_bytes = self._body_bytes = 0

    def on_headers_complete(self) -> None:
        self._stop_receive_timer()
        if self.transport.is_closing():
            return
        if len(self.headers) > MOST_HEADERS or (self._is_large and self._head_size() > MOST_HEAD_BYTES):
            self._refuse_head()
            return
        self._receiving = "body"
        super().on_headers_complete()
        cast(dict[str, object], self.scope)["extensions"] = {WHEN_LEFT: self._when_left}
        self.cycle.transport = cast(asyncio.Transport, AnswerWriter(self.transport, self.loop))
        if self.server_state.stopping or self.parser.should_upgrade():
            # What follows a request to change protocols is not parsed as its body: it must not pass for a request.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        self._body_bytes += len(body)
        if self._body_bytes > settings.MAX_BODY_BYTES:
            self._refuse(PayloadTooLarge(f"The request body is larger than {settings.MAX_BODY_BYTES} bytes."))
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._receiving = ""
        if self.transport.is_closing():
            return
        if not self.cycle.response_complete:
            # Where the answer came first, the timer goes on to limit how long the connection is idle.
            self._stop_receive_timer()
        super().on_message_complete()

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _await_head(self) -> None:
        self._receive_timer = self.loop.call_later(settings.HEADER_TIMEOUT_S, self._head_is_late)

    def _await_body(self) -> None:
        """A body has BODY_TIMEOUT_S, and longer as far as it comes at BODY_MIN_BYTES_PER_S."""
        self._body_began = self.loop.time()
        self._receive_timer = self.loop.call_later(settings.BODY_TIMEOUT_S, self._body_is_late)

    def _head_is_late(self) -> None:
        self.transport.close()

    def _body_is_late(self) -> None:
        granted_s = settings.BODY_TIMEOUT_S + self._body_bytes / settings.BODY_MIN_BYTES_PER_S
        due = self._body_began + granted_s
        if self.flow.read_paused or self.loop.time() < due:
            # While nobody here reads, the client can't send.
            again_at = max(due, self.loop.time() + settings.BODY_TIMEOUT_S / 2)
            self._receive_timer = self.loop.call_at(again_at, self._body_is_late)
        else:
            self._refuse(RequestTimeout("The request body came too slowly."))

    def _stop_receive_timer(self) -> None:
        if self._receive_timer is not None:
            self._receive_timer.cancel()
            self._receive_timer = None

    # --- refusals that no application sees ---

    def _refuse_head(self) -> None:
        self._refuse(HeadTooLarge(f"Send at most {MOST_HEADERS} headers, of {MOST_HEAD_BYTES} bytes with the URL."))

    def _refuse(self, error: ServiceError) -> None:
        """Answers, unless an answer has begun, and closes; whoever reads the body learns that the client is gone."""
        if self.transport.is_closing():
            return
        if self._is_unanswered():
            self.transport.write(_raw(error))
        self.transport.close()
        if self._is_busy:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._tell_of_leaving()

    # --- who is told that the client is gone ---

    def _when_left(self, leave: Callable[[], object]) -> None:
        """Of the calls on one connection, one at a time is being answered."""
        self._leave = leave
        # Where nobody reads, the end of the connection is not seen either.
        self.flow.resume_reading()
        if self.transport.is_closing():
            self._tell_of_leaving()

    def _tell_of_leaving(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    @property
    def _is_busy(self) -> bool:
        """Whether a call came that is not answered to its end."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _is_unanswered(self) -> bool:
        return not self.cycle.response_started if self._is_busy else self._receiving != "body"

    def send_400_response(self, msg: str) -> None:
        """What httptools could not parse."""
        self._refuse(BadRequest(msg, code="invalid_http"))

    # --- what the client takes ---

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_unsent(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_send_timer()

    def _watch_unsent(self, unsent: int) -> None:
        self._send_timer = self.loop.call_later(settings.CLIENT_IDLE_TIMEOUT_S, self._look_at_unsent, unsent)

    def _look_at_unsent(self, before: int) -> None:
        """A client that takes nothing for CLIENT_IDLE_TIMEOUT_S has left, as far as its call is concerned."""
        unsent = self.transport.get_write_buffer_size()
        if unsent < before:
            self._watch_unsent(unsent)
        else:
            self.transport.abort()

    def _stop_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    # --- the end ---

    def shutdown(self) -> None:
        """From now on each head of an answer says that the connection ends with it.

        A client that was told otherwise, or nothing yet, may ask once more, and has SHUTDOWN_IDLE_S to.
        """
        if not self._is_busy:
            self._linger()
        elif not self.cycle.response_started:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        self._leave = None
        super().on_response_complete()
        if self.server_state.stopping:
            self._linger()

    def _linger(self) -> None:
        self.loop.call_later(settings.SHUTDOWN_IDLE_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._receiving != "head" and not self._is_busy and not self.transport.is_closing():
            if self._has_unread():
                self.loop.call_later(_LOOK_AGAIN_S, self._close_if_idle)
            else:
                self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        if not self._has_unread():
            super().timeout_keep_alive_handler()

    def _has_unread(self) -> bool:
        """Whether something came that is not looked at yet: where the loop is late, timers go before what came.

        Closed now, the connection would answer a request with a reset.
        """
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))


def _give_up_unsent(transport: asyncio.Transport) -> None:
    """Has the kernel do for a closed connection's last bytes what _look_at_unsent() does for an open one's."""
    client = transport.get_extra_info("socket")
    if (
        client is not None
        and client.family in (socket.AF_INET, socket.AF_INET6)
        and hasattr(socket, "TCP_USER_TIMEOUT")
    ):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2000 * settings.CLIENT_IDLE_TIMEOUT_S))


def _raw(error: ServiceError) -> bytes:
    body = json.dumps(error.body()).encode()
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
