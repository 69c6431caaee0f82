"""AI servers: their pages, the connection test and the buttons that make one active."""

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.activating import SET_ACTIVE, SET_ACTIVE_FOR_CHAT, Activating
from llmconfig.admin.health_panels import health_panels
from llmconfig.admin.rotating import DECRYPTS_LABELS, decrypts, shown_key
from llmconfig.admin.testing import HEALTH_LABELS, said
from llmconfig.admin.usage import deployments_panel
from llmconfig.admin.watched import Watched
from llmconfig.models import AIServer
from llmconfig.services import servers
from opscenter.core.admin_base import AuditedForm, Button, Panel, Said, display, register
from opscenter.core.admin_base.access import Access, everything
from opscenter.core.admin_base.fields import SecretField
from opscenter.core.api import Permissions


class AIServerForm(AuditedForm):
    api_key = SecretField(label="API key")
    remove_api_key = forms.BooleanField(required=False, label="Remove the stored API key")

    class Meta:
        # The stored secret itself is no field of any form: `api_key` above only writes.
        exclude = ("api_key",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        secret = self.fields.get("api_key")
        if isinstance(secret, SecretField):
            secret.keep(self.instance.masked_key)
        if not self.instance.masked_key:
            self.fields.pop("remove_api_key", None)

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        if values.get("api_key") and values.get("remove_api_key"):
            self.add_error("remove_api_key", "Either give another key or remove the stored one.")
        return values


@register(AIServer)
class AIServerAdmin(Activating, Watched):
    access: ClassVar[Access] = {
        **everything(Permissions.MANAGE_PROVIDERS),
        "pick": (Permissions.MANAGE_MODELS, Permissions.CONFIGURE),
    }
    when_empty = (
        "A server that speaks OpenAI's format, such as vLLM or Ollama. Add it, test the connection, set it active."
    )
    form = AIServerForm
    list_display = (
        "name",
        "server_type",
        "base_url",
        "key",
        "health",
        "last_health_check",
        "enabled",
        "purposes",
    )
    list_filter = ("enabled", "server_type", "health_status")
    search_fields = ("name", "base_url")
    readonly_fields = ("decrypts", "health", "last_health_check", "version", "created_by", "created_at", "updated_at")
    buttons = (
        Button("test", "Test connection", run="test", needs=(Permissions.MANAGE_PROVIDERS,)),
        SET_ACTIVE_FOR_CHAT,
        SET_ACTIVE,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[AIServer]:
        return super().get_queryset(request).select_related("api_key", "created_by")

    def get_fieldsets(self, request: HttpRequest, obj: AIServer | None = None) -> Any:
        key: tuple[str, ...] = ("api_key", "remove_api_key") if obj and obj.api_key_id else ("api_key",)
        if not self.has_change_permission(request, obj):
            key = ()
        server = ("name", "server_type", "base_url", *key, "model_path")
        purposes = ("use_for_chat", "use_for_embeddings", "use_for_reranking")
        sections = [
            (None, {"fields": server}),
            ("Use", {"fields": ("enabled", *purposes, "check_interval_s")}),
            ("Metadata", {"fields": ("metadata",)}),
        ]
        return [*sections, ("State", {"fields": self.readonly_fields})] if obj else sections

    def create(self, request: HttpRequest, values: dict[str, Any]) -> AIServer:
        return servers.create(api_key=values.pop("api_key"), fields=values)

    def update(self, request: HttpRequest, row: AIServer, values: dict[str, Any]) -> AIServer:
        secret = {}
        if values.pop("remove_api_key", False):
            secret["api_key"] = ""
        if new := values.pop("api_key", ""):
            secret["api_key"] = new
        return servers.update(server=row, fields=values, **secret)

    def remove(self, request: HttpRequest, row: AIServer) -> None:
        servers.delete(server=row)

    def panels(self, request: HttpRequest, row: AIServer) -> list[Panel]:
        return [*deployments_panel(row), *health_panels(row)]

    def test(self, request: HttpRequest, row: AIServer) -> Said:
        return said(servers.test_connection(server=row))

    @display(description="API key", empty_value="none")
    def key(self, server: AIServer) -> str | None:
        return shown_key(server.api_key, server)

    @display(description="Decrypts", label=DECRYPTS_LABELS, empty_value="–")
    def decrypts(self, server: AIServer) -> str | None:
        return decrypts(server.api_key, server) or None

    @display(description="Health", ordering="health_status", label=HEALTH_LABELS)
    def health(self, server: AIServer) -> str:
        return server.get_health_status_display()

    @display(description="For")
    def purposes(self, server: AIServer) -> str:
        uses = {
            "chat": server.use_for_chat,
            "embeddings": server.use_for_embeddings,
            "reranking": server.use_for_reranking,
        }
        return ", ".join(name for name, used in uses.items() if used) or "nothing"
