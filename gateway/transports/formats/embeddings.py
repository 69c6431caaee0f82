"""OpenAI's embeddings, as upstreams answer: vectors, that nobody here looks at."""

from typing import Any

import msgspec

from gateway.transports.base import Body, Format
from gateway.transports.errors import UpstreamBroken
from gateway.transports.json_body import decoded_as
from gateway.transports.sse import Events


class _Reply(msgspec.Struct, gc=False):
    """Vectors are many numbers, which are passed over and not made into objects."""

    data: list[msgspec.Raw] | None = None
    model: Any = None
    usage: Any = None
    error: Any = None


class _Embeddings:
    path = "embeddings"
    events = Events
    _decode = staticmethod(decoded_as(_Reply))

    def decode(self, raw: bytes) -> Body:
        reply = self._decode(raw)
        return {"data": reply.data, "model": reply.model, "usage": reply.usage, "error": reply.error}

    @staticmethod
    def check(body: Body) -> None:
        if not isinstance(body.get("data"), list):
            raise UpstreamBroken

    @staticmethod
    def read(body: Body) -> tuple[str, Any]:
        usage = body.get("usage")
        return "", {**usage, "completion_tokens": 0} if isinstance(usage, dict) else usage


EMBEDDINGS: Format = _Embeddings()
