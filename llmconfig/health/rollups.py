"""Checks counted by hour and by day as they come, in the transaction of the check; and what is forgotten when."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from llmconfig.models import HealthChange, HealthCheck, HealthRollup, ProviderHealth
from llmconfig.services.probe import Probe

_KEPT = {
    HealthRollup.Period.HOUR: timedelta(days=35),
    HealthRollup.Period.DAY: timedelta(days=400),
}
_CHANGES_KEPT = timedelta(days=400)


def count(health: ProviderHealth, result: Probe, *, at: datetime) -> None:
    """The caller has locked `health`, so that nobody else counts for it meanwhile."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    for period, start in ((HealthRollup.Period.HOUR, hour), (HealthRollup.Period.DAY, hour.replace(hour=0))):
        row, _ = HealthRollup.objects.get_or_create(health=health, period=period, start=start)
        took_ms = result.latency_ms
        HealthRollup.objects.filter(pk=row.pk).update(
            **{result.status: F(result.status) + 1},
            answers=F("answers") + int(took_ms is not None),
            latency_ms_sum=F("latency_ms_sum") + (took_ms or 0),
            latency_ms_max=Greatest("latency_ms_max", took_ms or 0),
        )


def prune() -> int:
    """Forget checks after HEALTH_HISTORY_S, hours after 35 days, days and changes after 400; returns how many."""
    now = timezone.now()
    checks, _ = HealthCheck.objects.filter(at__lt=now - timedelta(seconds=settings.HEALTH_HISTORY_S)).delete()
    changes, _ = HealthChange.objects.filter(at__lt=now - _CHANGES_KEPT).delete()
    pruned = checks + changes
    for period, kept in _KEPT.items():
        pruned += HealthRollup.objects.filter(period=period, start__lt=now - kept).delete()[0]
    return pruned
