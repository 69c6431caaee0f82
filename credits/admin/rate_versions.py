"""What each version of a tier or power level said. Read-only."""

from typing import ClassVar

from django.http import HttpRequest

from credits.admin.access import readers
from credits.models import RateVersion
from opscenter.core.admin_base import Panel, ReadOnlyModelAdmin, display, register
from opscenter.core.admin_base.access import Access

_FIRST = {RateVersion.Kind.TIER.value: "markup", RateVersion.Kind.POWER_LEVEL.value: "multiplier"}


@register(RateVersion)
class RateVersionAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = readers("rateversion")
    when_empty = "Each change of a tier or power level leaves one."
    list_display = ("slug", "kind", "version", "rate", "created_at")
    list_filter = ("kind", "slug")
    sortable_by = ()
    fields = ("kind", "slug", "version", "rate", "created_at")
    readonly_fields = ("rate",)

    def panels(self, request: HttpRequest, row: RateVersion) -> list[Panel]:
        said = [(name.replace("_", " "), "–" if value is None else value) for name, value in row.values.items()]
        return [Panel("What it said", ("What", "Value"), said)]

    @display(description="Markup or multiplier")
    def rate(self, version: RateVersion) -> str:
        return str(version.values.get(_FIRST[version.kind], "–"))
