"""Prices: every version, none of them ever changed. A new price is a new version."""

from typing import Any, ClassVar

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from llmconfig.admin.rates import plain, rate_field
from llmconfig.models import Deployment, LLMModel, Price
from llmconfig.models.price import RATES
from llmconfig.services import prices
from opscenter.core.admin_base import AuditedForm, AuditedModelAdmin, LargeTable, Panel, display, linked, register
from opscenter.core.admin_base.access import Access
from opscenter.core.api import Permissions
from opscenter.core.usernames import with_username

_HEADERS = ("Version", "For", "Input", "Cached input", "Cache write", "Output", "Search", "Since")
_MOST = 20


class PriceForm(AuditedForm):
    input_price = rate_field("input_price", required=True)

    def clean(self) -> dict[str, Any] | None:
        values = super().clean() or self.cleaned_data
        model, deployment = values.get("model"), values.get("deployment")
        if model and deployment and deployment.model_id != model.pk:
            self.add_error("deployment", f"This is a deployment of {deployment.model}, not of {model}.")
        return values


@register(Price)
class PriceAdmin(LargeTable, AuditedModelAdmin):
    access: ClassVar[Access] = {"view": (Permissions.MANAGE_MODELS,), "add": (Permissions.MANAGE_MODELS,)}
    when_empty = "A model's price is set on its page; every change is kept here as a version."
    form = PriceForm
    actions = None
    ordering = ("-id",)
    list_display = ("model_name", "applies_to", "number", *RATES[:4], "created_at", "who")
    autocomplete_fields = ("model", "deployment")
    fields = ("model", "deployment", *RATES)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Price]:
        models = LLMModel.objects.filter(pk=OuterRef("model_id")).order_by().values("name")
        upstream = Deployment.objects.filter(pk=OuterRef("deployment_id")).order_by().values("upstream_model")
        named = (
            super()
            .get_queryset(request)
            .annotate(found_model=Subquery(models[:1]), found_deployment=Subquery(upstream[:1]))
        )
        return with_username(named, column="created_by_id")

    def get_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        return ("model_name", "applies_to", "number", *RATES, "created_at", "who") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        return ("model_name", "applies_to", "number", *RATES, "created_at", "who") if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Price:
        """The version that holds from now on; where nothing changes, that is the one that held before."""
        rates = {name: values[name] for name in RATES}
        model, deployment = values["model"], values["deployment"]
        prices.set_price(model=model, deployment=deployment, rates=rates)
        versions = Price.objects.of(model_id=model.pk, deployment_id=deployment.pk if deployment else None)
        return versions.order_by("-number")[0]

    @display(description="Model")
    def model_name(self, price: Any) -> str:
        return price.found_model or f"model {price.model_id}, deleted"

    @display(description="For")
    def applies_to(self, price: Any) -> str:
        if price.deployment_id is None:
            return "every deployment"
        return price.found_deployment or f"deployment {price.deployment_id}, deleted"

    @display(description="By", empty_value="system")
    def who(self, price: Any) -> str | None:
        username: str | None = price.username
        return username


def price_versions(versions: QuerySet[Price]) -> Panel:
    """The newest versions, as a table."""
    rows = [
        (
            linked(Price, price.pk, price.number),
            f"deployment {price.deployment_id}" if price.deployment_id else "every deployment",
            *(plain(getattr(price, rate)) or "–" for rate in RATES),
            f"{price.created_at:%Y-%m-%d %H:%M}",
        )
        for price in versions.order_by("-id")[:_MOST]
    ]
    return Panel("Price versions", _HEADERS, rows)
