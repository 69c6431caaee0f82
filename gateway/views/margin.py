"""What consumers paid against what providers cost."""

from functools import cached_property
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.permissions import READS_MONEY
from credits.serializers.amount import AmountField
from gateway.margin import report
from gateway.margin.asked import MarginQuery
from gateway.margin.below_cost import below_cost
from gateway.margin.report import GROUPS, Margin
from opscenter.core.errors import Unprocessable

MOST_GROUPS = 5000


class MarginSums(serializers.Serializer[Margin]):
    """`paid`, `overrun` and `upstream_expense` are credits; what ends in _usd is US dollars, decimal strings. The
    provider cost holds the upstream expense already; overrun is what calls cost beyond what was held.
    """

    requests = serializers.IntegerField()
    failed = serializers.IntegerField()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    paid = AmountField(source="paid_nano")
    paid_usd = serializers.SerializerMethodField()
    provider_cost_usd = serializers.SerializerMethodField()
    upstream_expense = AmountField(source="expense_nano")
    upstream_expense_usd = serializers.SerializerMethodField()
    overrun = AmountField(source="overrun_nano")
    overrun_usd = serializers.SerializerMethodField()
    margin_usd = serializers.SerializerMethodField()
    margin_percent = serializers.SerializerMethodField()
    below_cost = serializers.BooleanField(source="is_below_cost")

    def get_paid_usd(self, margin: Margin) -> str:
        return f"{margin.paid_usd:f}"

    def get_provider_cost_usd(self, margin: Margin) -> str:
        return f"{margin.cost_usd:f}"

    def get_upstream_expense_usd(self, margin: Margin) -> str:
        return f"{margin.expense_usd:f}"

    def get_overrun_usd(self, margin: Margin) -> str:
        return f"{margin.overrun_usd:f}"

    def get_margin_usd(self, margin: Margin) -> str:
        return f"{margin.margin_usd:f}"

    def get_margin_percent(self, margin: Margin) -> str | None:
        """Of what was paid; null where nothing was."""
        return None if margin.percent is None else f"{margin.percent:f}"


class MarginGroup(MarginSums):
    """Those of `day`, `model`, ... that were asked for are there, and no others."""

    def get_fields(self) -> dict[str, Any]:
        groups = {name: serializers.CharField(required=False) for name in GROUPS}
        return {**groups, **super().get_fields()}

    @cached_property
    def _sums(self) -> MarginSums:
        """Made once: its fields take longer to make than many groups to show."""
        return MarginSums()

    def to_representation(self, margin: Margin) -> dict[str, Any]:
        group_by: list[str] = self.context["group_by"]
        sums = self._sums.to_representation(margin)
        return {name: str(value) for name, value in zip(group_by, margin.of, strict=True)} | sums


class BelowCostOutput(serializers.Serializer[Any]):
    kind = serializers.CharField()
    slug = serializers.CharField()
    text = serializers.CharField()


class MarginOutput(serializers.Serializer[dict[str, Any]]):
    group_by = serializers.ListField(child=serializers.CharField())
    total = MarginSums()
    results = MarginGroup(many=True)
    warnings = BelowCostOutput(many=True)

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        days = {"from": serializers.DateField(source="first"), "to": serializers.DateField(source="last")}
        return {**days, **super().get_fields()}


class MarginView(APIView):
    """What consumers paid, what providers cost and what is left of it, by day, model, tier, provider or power level;
    and what is sold below cost by the rates as they are now. For operators.
    """

    required_permissions: ClassVar = {"GET": READS_MONEY}

    @extend_schema(operation_id="get_margin", parameters=[MarginQuery], responses=MarginOutput)
    def get(self, request: Request) -> Response:
        query = MarginQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        days = {"first": asked["first"], "last": asked["last"]}
        groups = report.margins(**days, group_by=asked["group_by"], most=MOST_GROUPS + 1)
        if len(groups) > MOST_GROUPS:
            raise Unprocessable(
                f"That is more than {MOST_GROUPS} groups: ask for fewer days, or group by less.",
                code="too_many_groups",
                param="group_by",
            )
        said = {**asked, "total": report.together(groups), "results": groups, "warnings": below_cost()}
        return Response(MarginOutput(said, context={"group_by": asked["group_by"]}).data)
