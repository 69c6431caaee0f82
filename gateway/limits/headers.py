"""OpenAI's x-ratelimit-* headers: the tightest limit on requests and on tokens, as this call has left it."""

from collections.abc import Awaitable

from django.http.response import HttpResponseBase

from gateway.exchange import Exchange
from gateway.limits.claims import Kind, Outcome, Take
from opscenter.core.errors import TooManyRequests

_NAMES = {Kind.RPM: "requests", Kind.TPM: "tokens"}


async def marked(exchange: Exchange, answering: Awaitable[HttpResponseBase]) -> HttpResponseBase:
    """The answer with the headers of what its caller has left, where that is limited; a 429 has them too."""
    lease = exchange.lease
    if lease is None:
        return await answering
    headers = rate_headers(lease.take, lease.outcome)
    try:
        response = await answering
    except TooManyRequests as error:
        error.headers.update(headers)
        raise
    for name, value in headers.items():
        response[name] = value
    return response


def rate_headers(take: Take, outcome: Outcome) -> dict[str, str]:
    """Limit, what is left of it, and the time until all of it is."""
    headers: dict[str, str] = {}
    for kind, name in _NAMES.items():
        rated = [
            (state.left, claim.limit, state.reset_ms)
            for claim, state in zip(take.claims, outcome.states, strict=True)
            if claim.kind is kind
        ]
        if rated:
            left, limit, reset_ms = min(rated)
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(left)
            headers[f"x-ratelimit-reset-{name}"] = _duration(reset_ms)
    return headers


def _duration(ms: int) -> str:
    """As OpenAI writes it: 1m0s, 59s."""
    minutes, seconds = divmod(-(-ms // 1000), 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
