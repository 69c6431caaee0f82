"""Active providers: who answers for a purpose, and who when that one fails."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.activating import free_of_charge
from llmconfig.models import ActiveProvider
from llmconfig.services import active
from opscenter.core.admin_base import AuditedModelAdmin, display, register
from opscenter.core.admin_base.access import Access, everything
from opscenter.core.api import Permissions


@register(ActiveProvider)
class ActiveProviderAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = everything(Permissions.CONFIGURE)
    when_empty = (
        "Calls that name the model \"auto\" need one for their purpose. Set it here, or on a server's or key's page."
    )
    list_display = ("purpose", "primary_provider", "default_model", "fallback_provider", "fallback_model", "updated_at")
    autocomplete_fields = ("primary_server", "primary_key", "fallback_server", "fallback_key")
    fieldsets = (
        (None, {"fields": ("purpose",)}),
        (
            "Primary",
            {
                "description": "One AI server or one provider key.",
                "fields": ("primary_server", "primary_key", "default_model"),
            },
        ),
        (
            "Fallback",
            {
                "description": "Asked when the primary fails before its first byte.",
                "fields": ("fallback_server", "fallback_key", "fallback_model"),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ActiveProvider]:
        return ActiveProvider.objects.complete()

    def get_readonly_fields(self, request: HttpRequest, obj: ActiveProvider | None = None) -> tuple[str, ...]:
        return ("purpose",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> ActiveProvider:
        return self._set(request, values["purpose"], values)

    def update(self, request: HttpRequest, row: ActiveProvider, values: dict[str, Any]) -> ActiveProvider:
        names = ("primary_server", "primary_key", "default_model", "fallback_server", "fallback_key", "fallback_model")
        if not values:
            return row
        return self._set(request, row.purpose, {name: getattr(row, name) for name in names})

    def _set(self, request: HttpRequest, purpose: str, values: dict[str, Any]) -> ActiveProvider:
        chosen = active.set_active(
            purpose=purpose,
            primary=values["primary_server"] or values["primary_key"],
            default_model=values["default_model"],
            fallback=values["fallback_server"] or values["fallback_key"],
            fallback_model=values["fallback_model"],
        )
        if warning := free_of_charge(chosen):
            self.message_user(request, warning, messages.WARNING)
        return chosen

    def remove(self, request: HttpRequest, row: ActiveProvider) -> None:
        active.clear(purpose=row.purpose)

    @display(description="Primary")
    def primary_provider(self, row: ActiveProvider) -> str:
        return str(row.primary)

    @display(description="Fallback", empty_value="none")
    def fallback_provider(self, row: ActiveProvider) -> str | None:
        return str(row.fallback) if row.fallback else None
