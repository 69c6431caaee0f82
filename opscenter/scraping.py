"""GET /metrics, for a Prometheus of the operator's own, never for consumers: their keys are no use here."""

import asyncio
import ipaddress
from functools import cache
from hmac import compare_digest

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from opscenter import metrics
from opscenter.core.errors import Forbidden, ServiceError, Unauthenticated

_FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")


@require_safe
async def scrape(request: HttpRequest) -> HttpResponse:
    """METRICS_TOKEN as a bearer where one is set; else whoever comes directly from METRICS_NETWORKS."""
    try:
        _admit(request)
    except ServiceError as error:
        return JsonResponse(error.body(), status=error.status, headers=error.headers)
    body = await asyncio.to_thread(metrics.exposition)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _admit(request: HttpRequest) -> None:
    """Raises Unauthenticated, Forbidden."""
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "").encode()
        if not compare_digest(sent, f"Bearer {settings.METRICS_TOKEN}".encode()):
            raise Unauthenticated(
                "Send METRICS_TOKEN as a bearer token.",
                code="invalid_metrics_token",
                headers={"WWW-Authenticate": "Bearer"},
            )
    elif not _is_near(request):
        raise Forbidden("Metrics are read from METRICS_NETWORKS, or with METRICS_TOKEN where one is set.")


def _is_near(request: HttpRequest) -> bool:
    """What a proxy passes on has the proxy's address, or one that somebody wrote into a header: neither counts."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped:
        peer = peer.ipv4_mapped
    return any(peer in network for network in _networks(tuple(settings.METRICS_NETWORKS)))


@cache
def _networks(written: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(network) for network in written)
