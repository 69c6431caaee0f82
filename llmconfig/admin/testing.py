"""What a connection test says, as a message; how a provider's state reads."""

from django.contrib import messages

from llmconfig.models import ProviderHealth
from llmconfig.services.probe import Probe
from opscenter.core.admin_base import Said

_LEVELS = {"healthy": messages.SUCCESS, "unhealthy": messages.ERROR}


def said(probe: Probe) -> Said:
    took = f" ({probe.latency_ms} ms)" if probe.latency_ms is not None else ""
    models = f" Models: {', '.join(probe.models[:10])}" if probe.models else ""
    more = f" and {len(probe.models) - 10} more" if len(probe.models) > 10 else ""
    text = f"{probe.status.capitalize()}{took}: {probe.message}{models}{more}"
    return Said(text, _LEVELS.get(probe.status, messages.WARNING))


NO_KEY_YET = "No key yet"
HEALTH_LABELS = {
    "Healthy": "success",
    "Degraded": "warning",
    "Unhealthy": "danger",
    "Unknown": "info",
    NO_KEY_YET: "info",
}


def state_of(health: ProviderHealth) -> str:
    return NO_KEY_YET if health.is_empty else health.get_status_display()
