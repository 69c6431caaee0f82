"""What the gateway says about an answer in its headers."""

from django.http.response import HttpResponseBase

from credits.amounts import to_text
from gateway.ask import printable
from gateway.exchange import Exchange


def mark(response: HttpResponseBase, exchange: Exchange) -> None:
    """Set the x-ops-* headers."""
    for name, value in of(exchange).items():
        response[name] = value


def of(exchange: Exchange) -> dict[str, str]:
    """The cost only where it is known before the body, on plain answers."""
    target = exchange.answering.candidate.target
    told = {
        # A model beside the catalog is called whatever its server calls it.
        "x-ops-model": printable(target.model_name),
        "x-ops-provider": target.provider,
        "x-ops-attempts": str(exchange.tries),
        "x-ops-overhead-ms": f"{exchange.overhead_ms:.2f}",
    }
    if exchange.ended:
        told["x-ops-cost-credits"] = to_text(exchange.charged_nano)
    return told
