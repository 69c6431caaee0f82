"""Liveness and readiness, for a process manager or load balancer; no authentication, no detail."""

from django.db import Error, close_old_connections, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from gateway import runtime


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all, also without a database."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when a call could be served now: the database answers and this worker's snapshot is fresh; else 503."""
    checks = {"database": _database_answers(), "gateway": runtime.is_ready()}
    healthy = all(checks.values())
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable", "checks": checks}, status=200 if healthy else 503
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    finally:
        close_old_connections()
    return True
