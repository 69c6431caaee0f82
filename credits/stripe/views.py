"""The API of buying credits: what is for sale, buying, and paying back."""

from typing import ClassVar, cast
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from credits.models import Package, Purchase, Reversal
from credits.permissions import MOVES_MONEY
from credits.stripe import checkout
from credits.stripe.own_refunds import request_refund
from credits.stripe.serializers import PackageOutput, PurchaseInput, PurchaseOutput, RefundInput, RefundOutput
from credits.views import idempotency
from credits.views.accounts import own_account
from opscenter.core.api import Permissions
from opscenter.core.models import User

_TOO_MANY = OpenApiResponse(description="Too many purchases are unpaid.")
_REFUSED_BY_STRIPE = OpenApiResponse(description="Stripe says that it can't be.")
_NOT_NOW = OpenApiResponse(description="Nothing is sold here, or Stripe can't be reached.")


class PackageListView(ListAPIView[Package]):
    """What is for sale."""

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True
    serializer_class = PackageOutput
    queryset = Package.objects.filter(active=True)
    pagination_class = None
    filter_backends = ()


class PurchaseView(APIView):
    """Buy a package for the account that the caller spends from; it is paid at the `url` of the answer."""

    required_permissions: ClassVar = {"POST": Permissions.EXECUTE}
    for_consumers = True

    @extend_schema(
        request=PurchaseInput,
        responses={201: PurchaseOutput, 429: _TOO_MANY, 502: _REFUSED_BY_STRIPE, 503: _NOT_NOW},
    )
    def post(self, request: Request) -> Response:
        wanted = PurchaseInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        purchase = checkout.start(
            account=own_account(request),
            slug=wanted.validated_data["package"],
            actor=_actor(request),
            email=cast(User, request.user).email,
        )
        return Response(PurchaseOutput(purchase).data, status=status.HTTP_201_CREATED)


class RefundView(APIView):
    """Pay a purchase back, wholly or in part, and take its credits. For operators who may move money."""

    required_permissions: ClassVar = {"POST": MOVES_MONEY}

    @extend_schema(
        request=RefundInput,
        parameters=[idempotency.KEY],
        responses={201: RefundOutput, 202: RefundOutput, 502: _REFUSED_BY_STRIPE, 503: _NOT_NOW},
    )
    def post(self, request: Request, id: UUID) -> Response:
        wanted = RefundInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        purchase = Purchase.objects.filter(pk=id).first()
        if purchase is None:
            raise Http404
        reversal = request_refund(purchase=purchase, id=idempotency.id_of(request, "refund"), **wanted.validated_data)
        is_open = reversal.state == Reversal.State.REQUESTED
        code = status.HTTP_202_ACCEPTED if is_open else status.HTTP_201_CREATED
        return Response(RefundOutput(reversal).data, status=code)


def _actor(request: Request) -> str:
    key_id = getattr(request.auth, "pk", None) if getattr(request.auth, "account_id", None) else None
    return f"key:{key_id}" if key_id else f"user:{request.user.pk}"
