"""The HTTP side: bearer key, forms, idempotency keys, lists in pages, and faults when told."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from tests.stripe_stub import forms
from tests.stripe_stub.account import Refused, StripeAccount, Thing

Fault = int | str
_MOST = 100
HANGING: tuple[int, Thing] = (0, {})


@dataclass
class RunningStripe(StripeAccount):
    """`asked` lists "METHOD /path" of every request."""

    asked: list[str] = field(default_factory=list)
    last: Thing = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    _faults: dict[str, deque[Fault]] = field(default_factory=dict)
    _answered: dict[str, tuple[Thing, int, Thing]] = field(default_factory=dict)

    @property
    def idempotency_keys(self) -> set[str]:
        return set(self._answered)

    def fail(self, request: str, *faults: Fault) -> None:
        """What comes of the next requests that begin so ("POST /v1/refunds"): a status, "drop" (the connection, before
        anything is done), "hang" (before), or "lose" (the answer, after it is done).
        """
        self._faults[request] = deque(faults)

    def answer(self, method: str, target: str, headers: Any, body: str) -> tuple[int, Thing] | None:
        """None where the connection is to be closed without an answer."""
        path, query = urlsplit(target).path, urlsplit(target).query
        with self.lock:
            self.asked.append(f"{method} {path}")
            self.versions.add(headers.get("Stripe-Version", ""))
            if headers.get("Authorization") != f"Bearer {self.secret_key}":
                return 401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}
            fault = self._fault(f"{method} {path}")
            if fault in ("drop", "hang"):
                return None if fault == "drop" else HANGING
            if isinstance(fault, int):
                return fault, {"error": {"type": _KINDS.get(fault, "api_error"), "message": f"told to fail ({fault})"}}
            answered = self._once(method, path, forms.read(query or body), headers.get("Idempotency-Key"))
        return None if fault == "lose" else answered

    def _fault(self, request: str) -> Fault | None:
        for begins, faults in self._faults.items():
            if request.startswith(begins) and faults:
                return faults.popleft()
        return None

    def _once(self, method: str, path: str, asked: Thing, key: str | None) -> tuple[int, Thing]:
        """As Stripe does: another answer to the same key never, and other parameters under it are an error."""
        if method == "POST" and key in self._answered:
            known, status, answered = self._answered[key]
            if known != asked:
                return 400, {"error": {"type": "idempotency_error", "message": "The key was used for something else."}}
            return status, answered
        status, answered = self._do(method, path, asked)
        if method == "POST" and key:
            self._answered[key] = (asked, status, json.loads(json.dumps(answered)))
        return status, answered

    def _do(self, method: str, path: str, asked: Thing) -> tuple[int, Thing]:
        self.last = asked
        try:
            return 200, self._found(method, path, asked)
        except Refused as refused:
            return refused.status, {"error": refused.error}

    def _found(self, method: str, path: str, asked: Thing) -> Thing:
        match method, path.split("/")[2:]:
            case "POST", ["checkout", "sessions"]:
                return self.open_session(asked)
            case "POST", ["refunds"]:
                return self.make_refund(asked)
            case "GET", ["checkout", "sessions", *rest]:
                return _read(path, self.sessions, rest, asked)
            case "GET", ["refunds", *rest]:
                return _read(path, self.refunds, rest, asked)
            case "GET", ["disputes", *rest]:
                return _read(path, self.disputes, rest, asked)
            case "GET", ["events", *rest]:
                return _read(path, {event["id"]: event for event in self.events}, rest, asked)
        raise Refused(404, "", f"Unrecognized request URL ({method}: {path})")


_KINDS = {402: "card_error", 400: "invalid_request_error", 429: "rate_limit_error", 401: "invalid_request_error"}


def _read(path: str, things: dict[str, Thing], rest: list[str], asked: Thing) -> Thing:
    if rest:
        if rest[0] not in things:
            raise Refused(404, "resource_missing", f"No such thing: '{rest[0]}'")
        return things[rest[0]]
    return _page(path, list(things.values()), asked)


def _page(path: str, things: list[Thing], asked: Thing) -> Thing:
    """The newest first."""
    things = things[::-1]
    if payment := asked.get("payment_intent"):
        things = [thing for thing in things if thing["payment_intent"] == payment]
    if since := asked.get("created", {}).get("gte"):
        things = [thing for thing in things if thing["created"] >= int(since)]
    if after := asked.get("starting_after"):
        ids = [thing["id"] for thing in things]
        things = things[ids.index(after) + 1 :]
    limit = min(int(asked.get("limit", 10)), _MOST)
    return {"object": "list", "url": path, "has_more": len(things) > limit, "data": things[:limit]}


@contextmanager
def running_stripe(*, livemode: bool = False) -> Iterator[RunningStripe]:
    stripe = RunningStripe(livemode=livemode, secret_key=f"sk_{'live' if livemode else 'test'}_{token_hex(16)}")
    stopped = Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(stripe.answer, stopped)) as server:
        server.daemon_threads = True
        stripe.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield stripe
        finally:
            stopped.set()
            server.shutdown()
            thread.join(10)


def _handler(answer: Callable[..., tuple[int, Thing] | None], stopped: Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, body: str) -> None:
            answered = answer(self.command, self.path, self.headers, body)
            if answered is HANGING:
                stopped.wait()
            if answered is None or answered is HANGING:
                self.close_connection = True
                return
            status, thing = answered
            written = json.dumps(thing).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.send_header("Request-Id", f"req_{time.time_ns()}")
            self.end_headers()
            self.wfile.write(written)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
