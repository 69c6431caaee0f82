"""How much of the time providers were up, from the sums of hours and days: the share of checks not unhealthy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F, Max, Q, Sum
from django.utils import timezone

from llmconfig.models import HealthRollup, ProviderHealth

_Period = HealthRollup.Period


@dataclass(frozen=True, slots=True)
class Uptime:
    """Of one window of time. `share` is in percent, and None where nothing was checked."""

    checks: int
    unhealthy: int
    latency_ms: int | None
    latency_ms_max: int | None

    @property
    def share(self) -> Decimal | None:
        return Decimal(100 * (self.checks - self.unhealthy)) / self.checks if self.checks else None

    @property
    def text(self) -> str:
        """Rounded down: 99.99 % is not all of the time."""
        if self.share is None:
            return "–"
        return f"{self.share.quantize(Decimal('0.01'), rounding='ROUND_DOWN').normalize():f} %"


WINDOWS = {
    "24 hours": (_Period.HOUR, timedelta(hours=24)),
    "7 days": (_Period.HOUR, timedelta(days=7)),
    "30 days": (_Period.DAY, timedelta(days=30)),
    "90 days": (_Period.DAY, timedelta(days=90)),
}


def of(health: ProviderHealth) -> dict[str, Uptime]:
    """By the names of WINDOWS. Windows begin with a whole hour or day."""
    return {name: _of([health.pk], period, since)[health.pk] for name, (period, since) in _begun().items()}


def of_last_day(healths: Iterable[int]) -> dict[int, Uptime]:
    """By id, of all of them in one query."""
    period, since = _begun()["24 hours"]
    return _of(list(healths), period, since)


def _begun() -> dict[str, tuple[HealthRollup.Period, datetime]]:
    now = timezone.now()
    return {name: (period, _start(now - length, period)) for name, (period, length) in WINDOWS.items()}


def _start(at: datetime, period: HealthRollup.Period) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if period is _Period.HOUR else hour.replace(hour=0)


def _of(healths: list[int], period: HealthRollup.Period, since: datetime) -> dict[int, Uptime]:
    rows = HealthRollup.objects.filter(health__in=healths, period=period, start__gte=since).order_by()
    sums = rows.values("health").annotate(
        checks=Sum(F("healthy") + F("degraded") + F("unhealthy")),
        bad=Sum("unhealthy"),
        answered=Sum("answers"),
        took_ms=Sum("latency_ms_sum"),
        most_ms=Max("latency_ms_max", filter=Q(answers__gt=0)),
    )
    found = {
        row["health"]: Uptime(
            row["checks"],
            row["bad"],
            round(row["took_ms"] / row["answered"]) if row["answered"] else None,
            row["most_ms"],
        )
        for row in sums
    }
    return {health: found.get(health, Uptime(0, 0, None, None)) for health in healths}
