"""Credits given and taken back by operators, and the second operator who approves much of it."""

from typing import Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.models import ManualAdjustment
from credits.permissions import MOVES_MONEY, READS_MONEY
from credits.serializers.adjustments import AdjustmentInput, AdjustmentOutput, AdjustmentsQuery, DeclineInput
from credits.services import adjustments
from credits.views import idempotency
from credits.views.accounts import own_account, wallet_of_name
from opscenter.core.models import User

_CLOSED = OpenApiResponse(description="It was decided before, or has expired.")
_NOT_BY_YOU = OpenApiResponse(description="You proposed it yourself, or may not move credits.")


class AddView(APIView):
    """Give credits, or take them back by a negative amount.

    What exceeds the operator's limit for a day (CREDITS_APPROVAL_LIMIT) is answered with 202 and waits for another.
    """

    required_permissions: ClassVar = {"POST": MOVES_MONEY}

    @extend_schema(
        operation_id="add_credits",
        request=AdjustmentInput,
        parameters=[idempotency.KEY],
        responses={201: AdjustmentOutput, 202: AdjustmentOutput},
    )
    def post(self, request: Request) -> Response:
        asked = AdjustmentInput(data=request.data)
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = asked.validated_data
        adjustment = adjustments.ask(
            id=idempotency.id_of(request, "add-credits"),
            account=wallet_of_name(values["user"]) if "user" in values else own_account(request),
            amount_nano=values["amount"],
            reason=values["reason"],
            by=cast(User, request.user),
        )
        made = adjustment.state == ManualAdjustment.State.MADE
        return _answer(adjustment, status.HTTP_201_CREATED if made else status.HTTP_202_ACCEPTED)


class AdjustmentListView(GenericAPIView[ManualAdjustment]):
    """What operators gave and took back, or proposed to, newest first."""

    queryset = ManualAdjustment.objects.select_related("account__user", "proposed_by", "decided_by")
    serializer_class = AdjustmentOutput
    required_permissions: ClassVar = {"GET": (*READS_MONEY, *MOVES_MONEY)}
    filter_backends = ()

    @extend_schema(
        operation_id="list_adjustments", parameters=[AdjustmentsQuery], responses=AdjustmentOutput(many=True)
    )
    def get(self, request: Request) -> Response:
        query = AdjustmentsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        rows = self.get_queryset()
        page = self.paginate_queryset(rows.waiting() if query.only_waiting else rows)  # type: ignore[attr-defined]  # of our QuerySet
        return self.get_paginated_response(AdjustmentOutput(page, many=True).data)


class AdjustmentView(APIView):
    required_permissions: ClassVar = {"GET": (*READS_MONEY, *MOVES_MONEY)}

    @extend_schema(operation_id="get_adjustment", responses=AdjustmentOutput)
    def get(self, request: Request, pk: UUID) -> Response:
        return _answer(_existing(pk))


class ApproveView(APIView):
    """Make what somebody else proposed. However often and by however many it is approved, it is made once."""

    required_permissions: ClassVar = {"POST": MOVES_MONEY}

    @extend_schema(
        operation_id="approve_adjustment",
        request=None,
        responses={200: AdjustmentOutput, 403: _NOT_BY_YOU, 409: _CLOSED},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        _existing(pk)
        return _answer(adjustments.approve(id=pk, by=cast(User, request.user)))


class DeclineView(APIView):
    """Leave it undone for good."""

    required_permissions: ClassVar = {"POST": MOVES_MONEY}

    @extend_schema(
        operation_id="decline_adjustment",
        request=DeclineInput,
        responses={200: AdjustmentOutput, 403: _NOT_BY_YOU, 409: _CLOSED},
    )
    def post(self, request: Request, pk: UUID) -> Response:
        asked = DeclineInput(data=request.data)
        asked.is_valid(raise_exception=True)
        _existing(pk)
        by = cast(User, request.user)
        return _answer(adjustments.decline(id=pk, by=by, remark=asked.validated_data["remark"]))


def _existing(pk: UUID) -> ManualAdjustment:
    return get_object_or_404(
        ManualAdjustment.objects.select_related("account__user", "proposed_by", "decided_by"), pk=pk
    )


def _answer(adjustment: ManualAdjustment, code: int = status.HTTP_200_OK) -> Response:
    return Response(AdjustmentOutput(adjustment).data, status=code)
