"""One small call to a server or provider, to see how it is. Messages hold nothing that came from there."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from asgiref.sync import async_to_sync

from opscenter.core.outbound import OutboundRefused, Policy, check_base_url, guarded_session

TIMEOUT_S = 10.0
_MAX_BYTES = 8 * 1024 * 1024
_MAX_ID = 300
# It is there, and answers; but not this question, or not now.
_ANSWERS_OTHERWISE = {
    404: "it has no list of models there",
    405: "it has no list of models there",
    429: "it limits how often it may be asked",
    501: "it has no list of models there",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What to GET. `wants_models`: a list is expected, with `model` in it if one is named; else the status counts."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    policy: Policy
    wants_models: bool = True
    model: str = ""
    when_well: str = "The key is accepted."


@dataclass(frozen=True, slots=True)
class Probe:
    """`status` is healthy, degraded, unhealthy or unknown; `message` is safe to show."""

    status: str
    latency_ms: int | None = None
    models: tuple[str, ...] = ()
    message: str = ""


UNREADABLE = Probe(
    status="unhealthy",
    message="The key ring does not decrypt the stored API key: restore the ring or enter the key again.",
)


NO_KEY = Probe(status="unknown", message="No API key is stored yet.")


class _TooLongError(Exception):
    """The answer exceeds what a list of models can be."""


def answer(question: Question) -> Probe:
    """`ask`, for who has no event loop."""
    return async_to_sync(ask)(question)


async def ask(question: Question, *, timeout_s: float | None = None) -> Probe:
    """Never raises for what the other side does, or doesn't."""
    limit_s = TIMEOUT_S if timeout_s is None else timeout_s
    started = time.monotonic()
    try:
        status, body = await _fetch(question, limit_s)
    except (TimeoutError, aiohttp.ClientError, OSError, _TooLongError) as error:
        return Probe(status="unhealthy", message=_reason(error, limit_s))
    except ValueError:
        # From before keys were looked at.
        return Probe(status="unhealthy", message="The API key has characters that can't be sent: enter it anew.")
    return _judged(question, status, body, latency_ms=round((time.monotonic() - started) * 1000))


def _judged(question: Question, status: int, body: bytes, *, latency_ms: int) -> Probe:
    if status in _ANSWERS_OTHERWISE:
        message = f"It answered {status}: {_ANSWERS_OTHERWISE[status]}."
        return Probe(status="degraded", latency_ms=latency_ms, message=message)
    if status != 200:
        return Probe(status="unhealthy", latency_ms=latency_ms, message=_refusal(status))
    if not question.wants_models:
        return Probe(status="healthy", latency_ms=latency_ms, message=question.when_well)
    models = _model_ids(body)
    if models is None:
        return Probe(status="degraded", latency_ms=latency_ms, message="It answered, but not with a list of models.")
    found = Probe(status="healthy", latency_ms=latency_ms, models=models, message=f"{len(models)} models.")
    if question.model and question.model not in models:
        missing = f'The default model "{question.model}" is not among its models.'
        return replace(found, status="degraded", message=missing)
    return found


async def _fetch(question: Question, timeout_s: float) -> tuple[int, bytes]:
    body = bytearray()
    check_base_url(question.url, question.policy)
    async with (
        guarded_session(question.policy, timeout_s=timeout_s) as session,
        session.get(question.url, headers=dict(question.headers), allow_redirects=False) as response,
    ):
        async for chunk in response.content.iter_chunked(65536):
            body += chunk
            if len(body) > _MAX_BYTES:
                raise _TooLongError
        return response.status, bytes(body)


def _reason(error: Exception, timeout_s: float) -> str:
    cause = getattr(error, "os_error", error)
    if isinstance(cause, OutboundRefused):
        return f"Not called: {cause}."
    if isinstance(error, TimeoutError):
        return f"No answer within {timeout_s:g} s."
    if isinstance(error, _TooLongError):
        return "The answer is too long for a list of models."
    if isinstance(cause, ConnectionRefusedError):
        return "The connection was refused: nothing listens at that address."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The host name can't be resolved."
    return f"The call failed ({type(cause).__name__})."


def _refusal(status: int) -> str:
    if status in (401, 403):
        return f"It answered {status}: the API key is refused."
    if 300 <= status < 400:
        return f"It answered {status}: redirects are not followed, enter the address that it redirects to."
    return f"It answered {status}."


def _model_ids(body: bytes) -> tuple[str, ...] | None:
    """The ids in {"data": [...]}, {"models": [...]} or a bare list; None for anything else."""
    try:
        listing: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(listing, dict):
        listing = listing.get("data", listing.get("models"))
    if not isinstance(listing, list):
        return None
    ids = (item.get("id") or item.get("name") for item in listing if isinstance(item, dict))
    return tuple(found.removeprefix("models/")[:_MAX_ID] for found in ids if isinstance(found, str))
