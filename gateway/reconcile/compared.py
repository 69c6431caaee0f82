"""The two counts side by side, by day and model."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from gateway.models import AttemptRow
from gateway.own_keys import OWN
from gateway.reconcile.amounts import Counted, Key
from llmconfig.models import ProviderKey

# Providers name the snapshot that answered: gpt-4o-2024-08-06 for gpt-4o, claude-x-20250514 for claude-x.
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})$")
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of a day's model. `differs`: by more than is tolerated."""

    day: date
    model: str
    measure: str
    theirs: Decimal
    ours: Decimal
    differs: bool

    @property
    def difference(self) -> Decimal:
        return self.ours - self.theirs


def ours(*, first: date, last: date, zone: ZoneInfo, provider: str | None) -> dict[Key, Counted]:
    """What attempts used on the platform's keys and servers; those on consumers' own keys are on their bills, also of
    keys that they have removed since.
    """
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    attempts = AttemptRow.objects.filter(created_at__gte=since, created_at__lt=until)
    attempts = attempts.exclude(usage_source=AttemptRow.UsageSource.NONE)
    attempts = attempts.exclude(provider_key_id__in=ProviderKey.objects.filter(owner__isnull=False).values("pk"))
    attempts = attempts.exclude(target__endswith=OWN)
    if provider:
        attempts = attempts.filter(provider=provider)
    sums = (
        attempts.order_by()
        .annotate(day=TruncDate("created_at", tzinfo=zone))
        .values_list("day", "model")
        .annotate(Sum("prompt_tokens"), Sum("completion_tokens"), Count("pk"), Sum("cost_usd"))
    )
    return {
        (day, model): Counted(Decimal(input), Decimal(output), Decimal(requests), Decimal(cost))
        for day, model, input, output, requests, cost in sums
    }


def named_as_ours(theirs: Mapping[Key, Counted], models: Iterable[str], names: Mapping[str, str]) -> dict[Key, Counted]:
    """`theirs` under the names that we call models by: as `names` say, or without a snapshot's date where we call the
    model so.
    """
    known = set(models)
    renamed: dict[Key, Counted] = {}
    for (day, model), counted in theirs.items():
        stem = _SNAPSHOT.sub("", model)
        name = names.get(model) or (stem if model not in known and stem in known else model)
        renamed.setdefault((day, name), Counted()).add(counted)
    return renamed


def compared(
    theirs: Mapping[Key, Counted], ours: Mapping[Key, Counted], *, measures: Iterable[str], tolerance_percent: Decimal
) -> list[Line]:
    """Every measure of every day and model that either side has, by day; what a side hasn't is zero."""
    measures = tuple(measures)
    lines = []
    for day, model in sorted({*theirs, *ours}):
        sides = theirs.get((day, model), Counted()), ours.get((day, model), Counted())
        for measure in measures:
            their, our = (getattr(side, measure) or Decimal(0) for side in sides)
            differs = _differs(their, our, tolerance_percent, least=_CENT if measure == "cost_usd" else Decimal(0))
            lines.append(Line(day, model, measure, their, our, differs))
    return lines


def _differs(theirs: Decimal, ours: Decimal, tolerance_percent: Decimal, *, least: Decimal) -> bool:
    """By more than the tolerance, of the larger side, and than `least`, to which exports round."""
    difference = abs(theirs - ours)
    return difference > least and difference > max(abs(theirs), abs(ours)) * tolerance_percent / 100
