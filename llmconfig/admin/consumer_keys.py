"""Consumers' own provider keys: that they are there and how they are. Nobody but their owners changes them; operators
can keep calls from them.
"""

from typing import ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.health_panels import health_panels
from llmconfig.admin.rotating import shown_key
from llmconfig.admin.testing import HEALTH_LABELS
from llmconfig.models import ConsumerKey, ProviderHealth
from llmconfig.services import own_keys
from opscenter.core.admin_base import Button, Panel, ReadOnlyModelAdmin, Said, display, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions

_NEEDS = (Permissions.MANAGE_PROVIDERS,)


@register(ConsumerKey)
class ConsumerKeyAdmin(ReadOnlyModelAdmin):
    access: ClassVar[Access] = {"view": _NEEDS}
    when_empty = "Consumers add theirs at /api/v1/llm/providers; their calls go over them and cost no credits."
    list_display = ("owner_name", "provider", "key_name", "key", "enabled", "blocked", "health", "last_used")
    list_filter = ("provider", "enabled", "blocked")
    search_fields = ("owner__username", "provider", "key_name")
    ordering = ("owner__username", "provider", "key_name")
    fields = (
        *("owner_name", "provider", "key_name", "key", "enabled", "blocked", "byok_only", "health"),
        *("last_used", "requests_count", "tokens_used", "created_at", "version"),
    )
    readonly_fields = fields
    buttons = (
        Button(
            name="block",
            label="Block …",
            run="block",
            needs=_NEEDS,
            question="No call goes over this key until it is unblocked, whatever its owner does.",
            shown=lambda key: not key.blocked,
            dangerous=True,
        ),
        Button(name="unblock", label="Unblock", run="unblock", needs=_NEEDS, shown=lambda key: key.blocked),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsumerKey]:
        return super().get_queryset(request).select_related("encrypted_key", "owner", "provider_health")

    def panels(self, request: HttpRequest, row: ConsumerKey) -> list[Panel]:
        return health_panels(row)

    def block(self, request: HttpRequest, row: ConsumerKey) -> Said:
        own_keys.block(key=row)
        return Said("It is blocked: no call goes over it within a second.")

    def unblock(self, request: HttpRequest, row: ConsumerKey) -> Said:
        own_keys.unblock(key=row)
        return Said("It is used again, where its owner has it enabled.")

    @display(description="Owner", ordering="owner__username")
    def owner_name(self, row: ConsumerKey) -> str:
        return str(row.owner)

    @display(description="API key", empty_value="none")
    def key(self, row: ConsumerKey) -> str | None:
        return shown_key(row.encrypted_key, row)

    @display(description="Health", ordering="provider_health__status", label=HEALTH_LABELS)
    def health(self, row: ConsumerKey) -> str:
        return str(ProviderHealth.status_of(row).label)
