"""Tiers and power levels: the rates of the pricing formula. Changed, never added or removed."""

from typing import ClassVar

from credits.models import PowerLevel, Tier
from opscenter.core.admin_base import AuditedForm, AuditedModelAdmin, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.admin_base.fields import WordsField
from opscenter.core.api import Permissions
from opscenter.core.models import LIMIT_FIELDS


class PowerLevelForm(AuditedForm):
    providers = WordsField(
        empty=[], help_text='With commas between them; "local" are the AI servers. The multiplier is theirs alone.'
    )


@register(Tier)
class TierAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = {
        "view": ("credits.view_tier",),
        "change": ("credits.change_tier", Permissions.CONFIGURE),
    }
    list_display = ("slug", "markup", *LIMIT_FIELDS, "version", "updated_at")
    readonly_fields = ("slug", "version", "updated_at")
    fields = ("slug", "markup", LIMIT_FIELDS, "version", "updated_at")


@register(PowerLevel)
class PowerLevelAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = {
        "view": ("credits.view_powerlevel",),
        "change": ("credits.change_powerlevel", Permissions.CONFIGURE),
    }
    form = PowerLevelForm
    list_display = ("slug", "multiplier", "max_output_tokens", "listed_providers", "min_quality", "strict", "version")
    readonly_fields = ("slug", "version", "updated_at")
    fields = (
        "slug",
        "multiplier",
        "max_output_tokens",
        "providers",
        "min_quality",
        "strict",
        "version",
        "updated_at",
    )

    @display(description="Providers")
    def listed_providers(self, level: PowerLevel) -> str:
        return ", ".join(level.providers)
