"""The catalog: models with their deployments and their price."""

from typing import Any, ClassVar

from django.contrib.admin import EmptyFieldListFilter, action
from django.db.models import QuerySet
from django.http import HttpRequest

from llmconfig.admin.model_filters import PricedFilter, ProviderFilter, WaitingFilter
from llmconfig.admin.prices import price_versions
from llmconfig.admin.rates import RatesForm, plain
from llmconfig.models import Deployment, LLMModel, Price
from llmconfig.models.price import RATES
from llmconfig.services import catalog, switching
from opscenter.core.admin_base import AuditedModelAdmin, Chosen, ChosenForm, Panel, display, linked, list_of, register
from opscenter.core.admin_base.access import Access, DeclaredAccess, everything
from opscenter.core.admin_base.fields import WordsField
from opscenter.core.admin_base.unfolded import StackedInline
from opscenter.core.api import Permissions
from opscenter.core.models import LIMIT_FIELDS

_MOST_PLACES = 5
_MOST_ON_PAGE = 8
CATALOG: Access = everything(Permissions.MANAGE_MODELS)


class LLMModelForm(RatesForm):
    use_case_tags = WordsField(empty=[], help_text="With commas between them.")

    def current_price(self) -> Price | None:
        model: LLMModel = self.instance
        return model.price


class DeploymentInline(Chosen, DeclaredAccess, StackedInline):
    access: ClassVar[Access] = CATALOG
    model = Deployment
    form = ChosenForm
    autocomplete_fields = ("server", "key")
    extra = 0
    show_change_link = True
    fields = (
        ("server", "key"),
        "upstream_model",
        ("priority", "weight", "timeout_s"),
        LIMIT_FIELDS,
        ("transport", "max_tokens_param"),
        "privacy",
        "enabled",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return super().get_queryset(request).select_related("model", "server", "key")


@register(LLMModel)
class LLMModelAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = CATALOG
    when_empty = "A model is a name that calls may ask for, with a price and the deployments that answer it."
    form = LLMModelForm
    inlines = (DeploymentInline,)
    list_display = ("name", "purpose", "tier", "price_text", "places", "owner_name", "privacy", "enabled")
    list_filter = (
        "enabled",
        WaitingFilter,
        PricedFilter,
        ProviderFilter,
        "purpose",
        "tier",
        "privacy",
        "latency_class",
        "strategy",
        ("owner", EmptyFieldListFilter),
    )
    search_fields = ("name", "deployments__upstream_model")
    actions = ("enable", "disable")
    autocomplete_fields = ("owner",)
    fieldsets = (
        (None, {"fields": ("name", ("purpose", "tier"), "enabled", "owner")}),
        ("Price", {"fields": RATES, "description": "USD per 1M tokens. Another price is a new version; none is lost."}),
        ("Limits", {"fields": (("context_window", "max_output_tokens"),)}),
        ("Choice", {"fields": ("use_case_tags", ("quality_score", "latency_class", "privacy"), "strategy")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[LLMModel]:
        return LLMModel.objects.complete().select_related("owner")

    def get_readonly_fields(self, request: HttpRequest, obj: LLMModel | None = None) -> tuple[str, ...]:
        return ("owner",) if obj else ()

    def create(self, request: HttpRequest, values: dict[str, Any]) -> LLMModel:
        return catalog.create_model(values=values)

    def update(self, request: HttpRequest, row: LLMModel, values: dict[str, Any]) -> LLMModel:
        return catalog.update_model(model=row, values=values)

    def remove(self, request: HttpRequest, row: LLMModel) -> None:
        catalog.delete_model(model=row)

    @action(description="Enable the selected models", permissions=("change",))
    def enable(self, request: HttpRequest, chosen: QuerySet[LLMModel]) -> None:
        count = switching.switch_models(models=chosen, enabled=True)
        self.message_user(request, f"{count} models are enabled now.")

    @action(description="Disable the selected models", permissions=("change",))
    def disable(self, request: HttpRequest, chosen: QuerySet[LLMModel]) -> None:
        count = switching.switch_models(models=chosen, enabled=False)
        self.message_user(request, f"{count} models are disabled now.")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row in formset.new_objects:
            catalog.create_deployment(model=form.instance, values=_values(row, self._fields(formset)))
        for row, changed in formset.changed_objects:
            catalog.update_deployment(deployment=row, values=_values(row, changed))
        for row in formset.deleted_objects:
            catalog.delete_deployment(deployment=row)

    @staticmethod
    def _fields(formset: Any) -> list[str]:
        return [name for name in formset.empty_form.fields if name not in ("id", "model", "DELETE")]

    def panels(self, request: HttpRequest, row: LLMModel) -> list[Panel]:
        versions = price_versions(Price.objects.filter(model_id=row.pk))
        return [versions] if _fit_on_page(row) else [_many_deployments(row), versions]

    def get_inlines(self, request: HttpRequest, obj: LLMModel | None) -> Any:
        """Deployments are edited here as long as they are few; many have pages of their own."""
        return self.inlines if obj is None or _fit_on_page(obj) else ()

    @display(description="Price (in / out)", empty_value="none")
    def price_text(self, model: LLMModel) -> str | None:
        price = model.price
        if price is None:
            return None
        output = price.input_price if price.output_price is None else price.output_price
        return f"{plain(price.input_price)} / {plain(output)}"

    @display(description="On", empty_value="nothing")
    def places(self, model: LLMModel) -> str | None:
        names = [str(row.provider) for row in model.deployments.all()]
        more = [f"{len(names) - _MOST_PLACES} more"] if len(names) > _MOST_PLACES else []
        return ", ".join(names[:_MOST_PLACES] + more) or None

    @display(description="Owner")
    def owner_name(self, model: LLMModel) -> str:
        return str(model.owner) if model.owner else "the platform"


def _fit_on_page(model: LLMModel) -> bool:
    return len(model.deployments.all()) <= _MOST_ON_PAGE


def _many_deployments(model: LLMModel) -> Panel:
    rows = [
        (linked(Deployment, row.pk, row.upstream_model), row.provider, row.priority, "yes" if row.enabled else "no")
        for row in model.deployments.all()[:50]
    ]
    return Panel(
        "Deployments",
        ("Upstream model", "On", "Priority", "Enabled"),
        rows,
        link=list_of(Deployment, model__id__exact=model.pk),
        link_text="All deployments of this model",
    )


def _values(row: Deployment, names: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
