"""/api-keys"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.models import ProviderKey
from llmconfig.serializers.api_keys import ProviderKeyIn, ProviderKeyOut, ProviderKeyUpdateIn
from llmconfig.serializers.servers import ProbeOut
from llmconfig.services import provider_keys
from llmconfig.views.filters import ProviderKeyFilter
from llmconfig.views.resource import ListView, Resource, RowView, Serializer, addressed, listed
from opscenter.core.api import Permissions


class Keys(Resource):
    """The platform's keys; a consumer's own are nobody else's business."""

    queryset = ProviderKey.objects.platform().with_secret()
    serializer_class = ProviderKeyOut
    input_class: ClassVar[Serializer] = ProviderKeyUpdateIn
    bookkeeping = frozenset(
        {
            "updated_at",
            "last_used",
            "requests_count",
            "tokens_used",
            "cost_usd",
            "decrypts",
            "activation_refusal",
        }
    )
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.MANAGE_PROVIDERS}


@listed("api_keys", ProviderKeyOut, ProviderKeyIn)
class KeyListView(Keys, ListView):
    input_class = ProviderKeyIn
    filterset_class = ProviderKeyFilter

    def create(self, data: dict[str, Any]) -> ProviderKey:
        return provider_keys.create(api_key=data.pop("api_key"), fields=data)


@addressed("api_key", ProviderKeyOut, ProviderKeyUpdateIn)
class KeyView(Keys, RowView):
    def change(self, row: ProviderKey, data: dict[str, Any]) -> ProviderKey:
        return provider_keys.update(key=row, api_key=data.pop("api_key", None), fields=data)

    def remove(self, row: ProviderKey) -> None:
        provider_keys.delete(key=row)


class KeyTestView(Keys):
    @extend_schema(operation_id="llm_config_test_api_key", request=None, responses=ProbeOut)
    def post(self, request: Request, pk: int) -> Response:
        """Make the provider's free call that needs the key."""
        return Response(ProbeOut(provider_keys.test_key(key=self.get_object())).data)
