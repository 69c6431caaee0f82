"""Deployments on pages of their own, with the price that one alone may have."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.prices import price_versions
from llmconfig.admin.rates import RatesForm
from llmconfig.models import Deployment, Price
from llmconfig.models.price import RATES
from llmconfig.services import catalog
from opscenter.core.admin_base import AuditedModelAdmin, Panel, display, register
from opscenter.core.admin_base.access import Access, everything
from opscenter.core.api import Permissions
from opscenter.core.models import LIMIT_FIELDS


class DeploymentForm(RatesForm):
    def current_price(self) -> Price | None:
        deployment: Deployment = self.instance
        return deployment.own_price


@register(Deployment)
class DeploymentAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = everything(Permissions.MANAGE_MODELS)
    when_empty = "A deployment is where a model runs: a server or a provider key. They are added on the model's page."
    form = DeploymentForm
    list_display = ("model", "place", "upstream_model", "priority", "weight", "transport", "enabled")
    list_filter = ("enabled", "transport")
    search_fields = ("upstream_model", "model__name")
    autocomplete_fields = ("model", "server", "key")
    fieldsets = (
        (None, {"fields": ("model", ("server", "key"), "upstream_model", "enabled")}),
        ("Routing", {"fields": (("priority", "weight"), ("transport", "max_tokens_param"), "privacy")}),
        ("Limits", {"fields": (LIMIT_FIELDS, "timeout_s"), "description": "One that has reached them is passed over."}),
        ("Its own price", {"fields": RATES, "description": "USD per 1M tokens. Empty: the model's price applies."}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return super().get_queryset(request).select_related("model", "server", "key")

    def get_readonly_fields(self, request: HttpRequest, obj: Deployment | None = None) -> tuple[str, ...]:
        return ("model",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Deployment:
        return catalog.create_deployment(model=values.pop("model"), values=values)

    def update(self, request: HttpRequest, row: Deployment, values: dict[str, Any]) -> Deployment:
        return catalog.update_deployment(deployment=row, values=values)

    def remove(self, request: HttpRequest, row: Deployment) -> None:
        catalog.delete_deployment(deployment=row)

    def panels(self, request: HttpRequest, row: Deployment) -> list[Panel]:
        return [price_versions(Price.objects.filter(deployment_id=row.pk))]

    @display(description="On")
    def place(self, deployment: Deployment) -> str:
        return str(deployment.provider)
