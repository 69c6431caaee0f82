"""One small call to a server or provider, to see how it is. Messages hold nothing that came from there."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from asgiref.sync import async_to_sync

from opscenter.core.outbound import OutboundRefused, Policy, check_base_url, guarded_session

TIMEOUT_S = 10.0
_MAX_BYTES = 8 * 1024 * 1024
_MAX_ID = 300


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


class _TooLongError(Exception):
    """The answer exceeds what a list of models can be."""


def list_models(*, url: str, headers: Mapping[str, str], policy: Policy) -> Probe:
    """GET a list of models, in OpenAI's shape or one of its relatives."""
    return _judged(url, headers, policy, wants_models=True)


def ping(*, url: str, headers: Mapping[str, str], policy: Policy) -> Probe:
    """GET something of which only the status counts."""
    return _judged(url, headers, policy, wants_models=False)


def expecting(result: Probe, model: str) -> Probe:
    """`result`, degraded where the server does not list its default `model`."""
    if result.status == "healthy" and model and model not in result.models:
        return replace(result, status="degraded", message=f'The default model "{model}" is not among its models.')
    return result


def _judged(url: str, headers: Mapping[str, str], policy: Policy, *, wants_models: bool) -> Probe:
    started = time.monotonic()
    try:
        status, body = async_to_sync(_fetch)(url, headers, policy)
    except (TimeoutError, aiohttp.ClientError, OSError, _TooLongError) as error:
        return Probe(status="unhealthy", message=_reason(error))
    latency_ms = round((time.monotonic() - started) * 1000)
    if status != 200:
        return Probe(status="unhealthy", latency_ms=latency_ms, message=_refusal(status))
    if not wants_models:
        return Probe(status="healthy", latency_ms=latency_ms, message="The key is accepted.")
    models = _model_ids(body)
    if models is None:
        return Probe(status="degraded", latency_ms=latency_ms, message="It answered, but not with a list of models.")
    return Probe(status="healthy", latency_ms=latency_ms, models=models, message=f"{len(models)} models.")


async def _fetch(url: str, headers: Mapping[str, str], policy: Policy) -> tuple[int, bytes]:
    body = bytearray()
    check_base_url(url, policy)
    async with (
        guarded_session(policy, timeout_s=TIMEOUT_S) as session,
        session.get(url, headers=dict(headers), allow_redirects=False) as response,
    ):
        async for chunk in response.content.iter_chunked(65536):
            body += chunk
            if len(body) > _MAX_BYTES:
                raise _TooLongError
        return response.status, bytes(body)


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", error)
    if isinstance(cause, OutboundRefused):
        return f"Not called: {cause}."
    if isinstance(error, TimeoutError):
        return f"No answer within {TIMEOUT_S:g} s."
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
