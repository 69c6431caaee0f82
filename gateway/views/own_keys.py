"""/api/v1/llm/providers: the provider keys of the caller's own. Nobody sees another's."""

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from credits.views.accounts import own_account
from llmconfig import own_keys as using
from llmconfig.models import ProviderKey
from llmconfig.serializers.own_keys import (
    AvailableProviderOut,
    OwnKeyChangeIn,
    OwnKeyIn,
    OwnKeyOut,
    OwnKeyRotateIn,
    OwnKeyTestedOut,
)
from llmconfig.services import own_keys
from llmconfig.views.resource import (
    CHANGED_MEANWHILE,
    IF_MATCH,
    IN_USE,
    ListView,
    Resource,
    RowView,
    Serializer,
    with_etag,
)
from opscenter.core.api import Permissions
from opscenter.core.errors import Forbidden
from opscenter.core.models import User

_TIER_TOO_LOW = OpenApiResponse(description="The tier is too low; `details.required_tier` names the lowest.")
_REFUSED = OpenApiResponse(description="The provider did not take the key; nothing was stored.")
_TOO_OFTEN = OpenApiResponse(description="Keys were tried as often as they may be; `Retry-After` says when to go on.")
_HEADERS = [IF_MATCH, with_etag(200)]


class _OwnKeys(Resource):
    queryset = ProviderKey.objects.none()
    serializer_class: Serializer = OwnKeyOut
    filter_backends = ()
    bookkeeping = frozenset({"health", "last_used", "requests_count", "tokens_used", "unused_because", "updated_at"})
    required_permissions: ClassVar = {"*": (Permissions.MANAGE_OWN_MODELS, Permissions.MANAGE_MODELS)}

    def get_queryset(self) -> QuerySet[ProviderKey]:
        return own_keys.of(self.owner)

    @property
    def owner(self) -> User:
        return cast(User, self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "tier": own_account(self.request).tier}

    def demand_tier(self) -> None:
        """Raise Forbidden where the caller's tier does not let them use keys of their own."""
        tier = own_account(self.request).tier
        if not using.may_use(tier):
            lowest = using.LOWEST_TIER.value
            raise Forbidden(
                f"Keys of your own need the tier {lowest}; yours is {tier}.",
                code="tier_too_low",
                details={"required_tier": lowest, "tier": tier},
            )


@extend_schema_view(
    get=extend_schema(operation_id="list_own_provider_keys", responses=OwnKeyOut(many=True)),
    post=extend_schema(
        operation_id="add_own_provider_key",
        parameters=[with_etag(201)],
        request=OwnKeyIn,
        responses={201: OwnKeyOut, 403: _TIER_TOO_LOW, 422: _REFUSED, 429: _TOO_OFTEN},
    ),
)
class OwnKeyListView(_OwnKeys, ListView):
    """What is added is tried at the provider first, by a call that costs nothing."""

    input_class = OwnKeyIn

    def create(self, data: dict[str, Any]) -> ProviderKey:
        self.demand_tier()
        return own_keys.add(owner=self.owner, **data)


class AvailableProvidersView(_OwnKeys):
    serializer_class = AvailableProviderOut

    @extend_schema(operation_id="list_available_providers", responses=AvailableProviderOut(many=True))
    def get(self, request: Request) -> Response:
        """The providers whose keys can be added."""
        page = self.paginate_queryset(cast(Any, own_keys.offered()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


@extend_schema_view(
    get=extend_schema(operation_id="get_own_provider_key", parameters=[with_etag(200)], responses=OwnKeyOut),
    patch=extend_schema(
        operation_id="change_own_provider_key",
        parameters=_HEADERS,
        request=OwnKeyChangeIn,
        responses={200: OwnKeyOut, 412: CHANGED_MEANWHILE},
    ),
    delete=extend_schema(
        operation_id="remove_own_provider_key",
        parameters=[IF_MATCH],
        responses={204: None, 409: IN_USE, 412: CHANGED_MEANWHILE},
    ),
)
class OwnKeyView(_OwnKeys, RowView):
    input_class = OwnKeyChangeIn
    http_method_names = ("get", "patch", "delete", "head", "options")

    def change(self, row: ProviderKey, data: dict[str, Any]) -> ProviderKey:
        return own_keys.change(key=row, values=data)

    def remove(self, row: ProviderKey) -> None:
        own_keys.remove(key=row)


class OwnKeyTestView(_OwnKeys):
    @extend_schema(
        operation_id="test_own_provider_key",
        request=None,
        responses={200: OwnKeyTestedOut, 403: _TIER_TOO_LOW, 429: _TOO_OFTEN},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make the provider's free call that needs the key; what it says counts at once."""
        key = self.get_object()
        self.demand_tier()
        probe = own_keys.test(key=key)
        tested = {"key": self.get_object(), "probe": probe}
        return Response(OwnKeyTestedOut(tested, context=self.get_serializer_context()).data)


class OwnKeyRotateView(_OwnKeys):
    input_class = OwnKeyRotateIn

    @extend_schema(
        operation_id="rotate_own_provider_key",
        parameters=_HEADERS,
        request=OwnKeyRotateIn,
        responses={
            200: OwnKeyOut,
            403: _TIER_TOO_LOW,
            412: CHANGED_MEANWHILE,
            422: _REFUSED,
            429: _TOO_OFTEN,
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Try another key at the provider, then use it in place of the former."""
        key, wanted = self.get_object(), self.read()
        self.demand_tier()
        self.require_match(key)
        return self.answer(own_keys.rotate(key=key, **wanted, check=self.require_match))
