"""The platform's provider keys: their pages, the test, rotation, and the button that makes one active."""

from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from llmconfig.admin.activating import SET_ACTIVE, Activating
from llmconfig.admin.health_panels import health_panels
from llmconfig.admin.rotating import DECRYPTS_LABELS, ROTATING, Rotating, decrypts, shown_key, versions_panel
from llmconfig.admin.testing import HEALTH_LABELS, NO_KEY_YET, said
from llmconfig.admin.usage import deployments_panel
from llmconfig.admin.watched import Watched
from llmconfig.models import ProviderHealth, ProviderKey
from llmconfig.providers import PROVIDERS
from llmconfig.services import platform_keys, provider_keys
from opscenter.core.admin_base import AuditedForm, Button, Panel, Said, display, register
from opscenter.core.admin_base.access import Access, everything
from opscenter.core.admin_base.fields import SecretField
from opscenter.core.api import Permissions


class ProviderKeyForm(AuditedForm):
    api_key = SecretField(label="API key", required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        secret = self.fields.get("api_key")
        if isinstance(secret, SecretField) and self.instance.pk:
            secret.keep(self.instance.masked_key)
        if "provider" in self.fields:
            self.fields[
                "provider"
            ].help_text = f"{', '.join(sorted(PROVIDERS))}, or any other LiteLLM provider by its name there."


class DueFilter(SimpleListFilter):
    title = "rotation"
    parameter_name = "rotation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("due", "Due"), ("staged", "A key is staged")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "due":
            return queryset.filter(enabled=True, rotation_due_at__lte=timezone.now())
        return queryset.filter(staged_key__isnull=False) if self.value() == "staged" else queryset


@register(ProviderKey)
class ProviderKeyAdmin(Activating, Rotating, Watched):
    access: ClassVar[Access] = {
        **everything(Permissions.MANAGE_PROVIDERS),
        "pick": (Permissions.MANAGE_MODELS, Permissions.CONFIGURE),
    }
    when_empty = "A key of a provider such as OpenAI or Anthropic. It is stored encrypted and shown to nobody again."
    form = ProviderKeyForm
    autocomplete_fields = ("owner",)
    list_display = (
        "__str__",
        "key",
        "enabled",
        "use_for_ops_center",
        "health",
        "last_used",
    )
    list_filter = ("enabled", "use_for_ops_center", DueFilter)
    search_fields = ("provider", "key_name")
    readonly_fields = (
        "decrypts",
        "source",
        "rotation_due_at",
        "last_used",
        "requests_count",
        "tokens_used",
        "cost_usd",
        "version",
        "created_by",
        "created_at",
    )
    buttons = (
        Button("test", "Test connection", run="test", needs=(Permissions.MANAGE_PROVIDERS,)),
        *ROTATING,
        SET_ACTIVE,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderKey]:
        related = ("encrypted_key", "staged_key", "created_by", "provider_health")
        return super().get_queryset(request).filter(owner__isnull=True).select_related(*related)

    def get_fieldsets(self, request: HttpRequest, obj: ProviderKey | None = None) -> Any:
        secret = ("api_key",) if obj is None or self.has_change_permission(request, obj) else ()
        sections = [
            (None, {"fields": ("provider", "key_name", *secret)}),
            ("Use", {"fields": ("enabled", "use_for_ops_center", "check_interval_s")}),
            ("Rotation", {"fields": ("rotation_interval_days", "grace_days")}),
            ("Metadata", {"fields": ("metadata",)}),
        ]
        return [*sections, ("State", {"fields": self.readonly_fields})] if obj else sections

    def create(self, request: HttpRequest, values: dict[str, Any]) -> ProviderKey:
        return provider_keys.create(api_key=values.pop("api_key"), fields=values)

    def update(self, request: HttpRequest, row: ProviderKey, values: dict[str, Any]) -> ProviderKey:
        return provider_keys.update(key=row, api_key=values.pop("api_key", "") or None, fields=values)

    def remove(self, request: HttpRequest, row: ProviderKey) -> None:
        provider_keys.delete(key=row)

    def panels(self, request: HttpRequest, row: ProviderKey) -> list[Panel]:
        return [versions_panel(row), *deployments_panel(row), *health_panels(row)]

    def test(self, request: HttpRequest, row: ProviderKey) -> Said:
        return said(provider_keys.test_key(key=row))

    @display(description="API key", empty_value="none")
    def key(self, row: ProviderKey) -> str | None:
        return shown_key(row.encrypted_key, row)

    @display(description="Decrypts", label=DECRYPTS_LABELS, empty_value="–")
    def decrypts(self, row: ProviderKey) -> str | None:
        return decrypts(row.encrypted_key, row) or None

    @display(description="Health", ordering="provider_health__status", label=HEALTH_LABELS)
    def health(self, row: ProviderKey) -> str:
        return ProviderHealth.status_of(row).label if row.encrypted_key_id else NO_KEY_YET

    @display(description="Set by", empty_value="–")
    def source(self, row: ProviderKey) -> str | None:
        where = platform_keys.source_of(row)
        return {platform_keys.DATABASE: "a person", platform_keys.ENVIRONMENT: "the environment"}.get(where or "")
