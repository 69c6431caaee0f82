"""What can be checked about health checks before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

_LEAST = {
    "HEALTH_SERVER_INTERVAL_S": 1,
    "HEALTH_KEY_INTERVAL_S": 1,
    "HEALTH_TICK_S": 0.1,
    "HEALTH_TIMEOUT_S": 0.1,
    "HEALTH_CONFIRMATIONS": 1,
    "HEALTH_CONCURRENCY": 1,
    "HEALTH_HISTORY_S": 3600,
}


@register
def health_checks_can_be_made(**kwargs: Any) -> list[CheckMessage]:
    """llm.E030."""
    return [
        Error(f"{name} is {getattr(settings, name)}.", hint=f"Set it to {least:g} or more.", id="llm.E030")
        for name, least in _LEAST.items()
        if getattr(settings, name) < least
    ]
