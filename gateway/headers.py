"""What the gateway says about an answer: response headers, and the public model's name instead of the upstream's."""

import json
from dataclasses import dataclass
from typing import Any

from django.http.response import HttpResponseBase

from credits.amounts import to_text
from gateway.exchange import Exchange
from gateway.transports.base import Reply


def mark(response: HttpResponseBase, exchange: Exchange) -> None:
    """Set the x-ops-* headers; the cost only where it is known before the body, on plain answers."""
    target = exchange.answering.candidate.target
    response["x-ops-model"] = target.model_name
    response["x-ops-provider"] = target.provider
    response["x-ops-attempts"] = str(len(exchange.attempts))
    response["x-ops-overhead-ms"] = f"{exchange.overhead_ms:.2f}"
    if exchange.ended:
        response["x-ops-cost-credits"] = to_text(exchange.charged_nano)


def with_public_model(exchange: Exchange, reply: Reply) -> bytes:
    return Renaming.of(exchange).chunk(reply.body, reply.raw)


@dataclass(frozen=True, slots=True)
class Renaming:
    """Replaces the upstream's model name where it stands as JSON, without parsing or writing it anew.

    A quote inside a JSON string is escaped, so the pattern can't occur in what the model says.
    """

    public: str
    tight: bytes
    spaced: bytes
    replacement: bytes

    @classmethod
    def of(cls, exchange: Exchange) -> "Renaming":
        target = exchange.answering.candidate.target
        name = json.dumps(target.upstream_model).encode()
        public = target.model_name
        return cls(
            public=public,
            tight=b'"model":' + name,
            spaced=b'"model": ' + name,
            replacement=b'"model":' + json.dumps(public).encode(),
        )

    def chunk(self, body: dict[str, Any], raw: bytes | None) -> bytes:
        if raw is None:
            return json.dumps({**body, "model": self.public}, separators=(",", ":")).encode()
        if self.tight in raw:
            return raw.replace(self.tight, self.replacement, 1)
        if self.spaced in raw:
            return raw.replace(self.spaced, self.replacement, 1)
        return raw
