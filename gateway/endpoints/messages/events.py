"""Anthropic's server-sent events, as both ways write them."""

from gateway.endpoints.messages.usage import with_cost
from gateway.error_words import anthropics
from gateway.exchange import Exchange
from gateway.transports.base import Body
from gateway.transports.json_body import encoded
from opscenter.core.errors import ServiceError


def event(body: Body) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), encoded(body))


def ending(exchange: Exchange, *, delta: Body, usage: object, beside: Body | None = None) -> bytes:
    """The last two: why it stopped, with usage and cost, and that it did."""
    told = {**(beside or {}), "type": "message_delta", "delta": delta, "usage": with_cost(usage, exchange)}
    return event(told) + event({"type": "message_stop"})


def broken_off(exchange: Exchange, error: ServiceError) -> bytes:
    """An error, and nothing that ends a message."""
    return event(anthropics(error.body(), status=error.status, request_id=exchange.id))
