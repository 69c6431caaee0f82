"""What a connection test says, as a message."""

from django.contrib import messages

from llmconfig.services.probe import Probe
from opscenter.core.admin_base import Said

_LEVELS = {"healthy": messages.SUCCESS, "unhealthy": messages.ERROR}


def said(probe: Probe) -> Said:
    took = f" ({probe.latency_ms} ms)" if probe.latency_ms is not None else ""
    models = f" Models: {', '.join(probe.models[:10])}" if probe.models else ""
    more = f" and {len(probe.models) - 10} more" if len(probe.models) > 10 else ""
    text = f"{probe.status.capitalize()}{took}: {probe.message}{models}{more}"
    return Said(text, _LEVELS.get(probe.status, messages.WARNING))


HEALTH_LABELS = {"Healthy": "success", "Degraded": "warning", "Unhealthy": "danger", "Unknown": "info"}
