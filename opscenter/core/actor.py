"""Who is acting. The middleware, every command and every task say so; services record without being told."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The Celery application imports this module before Django is set up.
    from django.http import HttpRequest

_SOURCES = {"admin": "admin", "accounts": "account"}


@dataclass(frozen=True, slots=True)
class Actor:
    """`source` is admin, account, api, command:NAME or task:NAME; `address` is the peer's IP address.

    A task that somebody's request asked for has that user, address and request.
    """

    user_id: int | None
    source: str
    address: str | None = None
    request_id: str = ""

    @property
    def name(self) -> str:
        """user:N, or the source of what no user does."""
        return f"user:{self.user_id}" if self.user_id else self.source

    @classmethod
    def command(cls, name: str) -> "Actor":
        return cls(user_id=None, source=f"command:{name}")

    @classmethod
    def task(cls, name: str) -> "Actor":
        return cls(user_id=None, source=f"task:{name}")


_actor: ContextVar["Actor | HttpRequest | None"] = ContextVar("actor", default=None)


@contextmanager
def acting_as(actor: "Actor | HttpRequest") -> Iterator[None]:
    """Everything recorded inside is `actor`'s. A request is asked for its user when something is recorded,
    because a token is only checked inside the view."""
    token = begin(actor)
    try:
        yield
    finally:
        end(token)


def begin(actor: "Actor | HttpRequest") -> "Token[Actor | HttpRequest | None]":
    """As acting_as, where what is inside is no block; `end` takes what this returns."""
    return _actor.set(actor)


def end(token: "Token[Actor | HttpRequest | None]") -> None:
    _actor.reset(token)


def current_actor() -> Actor:
    actor = _actor.get()
    if actor is None:
        return Actor(user_id=None, source="unknown")
    return actor if isinstance(actor, Actor) else _from_request(actor)


def _from_request(request: "HttpRequest") -> Actor:
    user = getattr(request, "user", None)
    return Actor(
        user_id=getattr(user, "pk", None),
        source=_SOURCES.get(request.path.split("/", 2)[1], "api"),
        address=_address(request.META.get("REMOTE_ADDR") or ""),
        request_id=str(getattr(request, "request_id", "")),
    )


def _address(peer: str) -> str | None:
    """An address that the database takes: without a zone, and None for what a proxy named that is none."""
    try:
        return str(ip_address(peer)).partition("%")[0]
    except ValueError:
        return None
