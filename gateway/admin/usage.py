"""Usage per day, and above it the margin that comes of it. Read-only."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils import timezone

from credits import amounts
from credits.permissions import READS_MONEY
from gateway.admin.margin import margin_page
from gateway.models import UsageStat
from opscenter.core.admin_base import LargeTable, ReadOnlyModelAdmin, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.usernames import with_username

_SPANS = {"today": 0, "week": 6, "month": 29}


class DayFilter(SimpleListFilter):
    title = "day"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("today", "Today (UTC)"), ("week", "Last 7 days"), ("month", "Last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = _SPANS.get(self.value() or "")
        return queryset if days is None else queryset.filter(day__gte=timezone.now().date() - timedelta(days=days))


@register(UsageStat)
class UsageStatAdmin(LargeTable, ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": READS_MONEY}
    when_empty = "Calls are summed up here as they end: by day, user, key, model, provider, tier, component."
    list_display = (
        "day",
        "who",
        "model",
        "provider",
        "tier",
        "power_level",
        "component",
        "requests",
        "failed",
        "tokens",
        "charged",
        "cost",
    )
    list_filter = (DayFilter,)
    fieldsets = (
        (None, {"fields": ("day", "who", ("account_id", "virtual_key_id"))}),
        ("Of", {"fields": (("model", "provider"), ("tier", "power_level"), ("component", "environment"))}),
        ("Calls", {"fields": (("requests", "failed", "refused"), ("own_key_requests", "attempts", "duration_ms"))}),
        (
            "Tokens",
            {"fields": (("prompt_tokens", "completion_tokens"), ("cached_tokens", "cache_write_tokens"), "searches")},
        ),
        ("Money", {"fields": (("charged", "cost"), ("overrun", "expense"))}),
    )
    readonly_fields = ("who", "charged", "cost", "overrun", "expense")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UsageStat]:
        return with_username(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.margin_view)
        return [path("margin/", view, name="gateway_usagestat_margin"), *super().get_urls()]

    def margin_view(self, request: HttpRequest) -> Any:
        return margin_page(self, request)

    @display(description="User")
    def who(self, row: Any) -> str:
        return row.username or (f"user {row.user_id}" if row.user_id else "–")

    @display(description="Tokens in / out")
    def tokens(self, row: UsageStat) -> str:
        return f"{row.prompt_tokens} / {row.completion_tokens}"

    @display(description="Paid (credits)")
    def charged(self, row: UsageStat) -> str:
        return amounts.to_text(row.charged_nano)

    @display(description="Provider cost (USD)")
    def cost(self, row: UsageStat) -> str:
        return amounts.to_text(row.cost_nano_usd)

    @display(description="Beyond the holds (credits)")
    def overrun(self, row: UsageStat) -> str:
        return amounts.to_text(row.overrun_nano)

    @display(description="Failed upstream, at cost (credits)")
    def expense(self, row: UsageStat) -> str:
        return amounts.to_text(row.expense_nano)
