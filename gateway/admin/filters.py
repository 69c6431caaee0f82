"""Filters of the request tables: by time, which has an index, and within a time by what came of it."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from gateway.models import RequestRow

_SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}


class SinceFilter(SimpleListFilter):
    title = "time"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("hour", "Last hour"),
            ("today", "Today (UTC)"),
            ("day", "Last 24 hours"),
            ("week", "Last 7 days"),
            ("month", "Last 30 days"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        if self.value() == "today":
            return queryset.filter(created_at__gte=now.replace(hour=0, minute=0, second=0, microsecond=0))
        span = _SPANS.get(self.value() or "")
        return queryset.filter(created_at__gte=now - span) if span else queryset


class OutcomeFilter(SimpleListFilter):
    """Without a time it looks at the last day alone: no index leads to what succeeded."""

    title = "outcome, of the last day unless a time is chosen"
    parameter_name = "outcome"
    MEANT: ClassVar = {
        "failed": (RequestRow.Status.FAILED, RequestRow.Status.LOST),
        "refused": (RequestRow.Status.REFUSED,),
        "disconnected": (RequestRow.Status.DISCONNECTED,),
        "succeeded": (RequestRow.Status.SUCCEEDED,),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, RequestRow.Status(statuses[0]).label) for name, statuses in self.MEANT.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        meant = self.MEANT.get(self.value() or "")
        if meant is None:
            return queryset
        if not request.GET.get(SinceFilter.parameter_name):
            queryset = queryset.filter(created_at__gte=timezone.now() - _SPANS["day"])
        return queryset.filter(status__in=meant)
