"""The server-sent events of a response, as both ways write them."""

from gateway.transports.base import Body
from gateway.transports.json_body import encoded
from opscenter.core.errors import ServiceError


def event(body: Body) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), encoded(body))


def broken_off(error: ServiceError, *, number: int) -> bytes:
    """An error, and nothing that ends a response: in OpenAI's envelope, by which its SDK raises, and as its event."""
    told = error.body()
    flat = {name: told["error"][name] for name in ("code", "message", "param")}
    return event({"type": "error", **flat, **told, "sequence_number": number})
