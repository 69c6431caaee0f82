"""/servers"""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.models import AIServer
from llmconfig.serializers.servers import AIServerIn, AIServerOut, ProbeOut, ServedModelsOut
from llmconfig.services import servers
from llmconfig.views.filters import AIServerFilter
from llmconfig.views.resource import ListView, Resource, RowView, addressed, listed
from opscenter.core.api import Permissions


class _Servers(Resource):
    queryset = AIServer.objects.with_secret()
    serializer_class = AIServerOut
    input_class = AIServerIn
    bookkeeping = frozenset({"updated_at", "last_health_check", "health_status", "decrypts"})
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.MANAGE_PROVIDERS}


@listed("servers", AIServerOut, AIServerIn)
class ServerListView(_Servers, ListView):
    filterset_class = AIServerFilter

    def create(self, data: dict[str, Any]) -> AIServer:
        return servers.create(api_key=data.pop("api_key", None), fields=data)


@addressed("server", AIServerOut, AIServerIn)
class ServerView(_Servers, RowView):
    def change(self, row: AIServer, data: dict[str, Any]) -> AIServer:
        return servers.update(server=row, api_key=data.pop("api_key", servers.Keep.STORED), fields=data)

    def remove(self, row: AIServer) -> None:
        servers.delete(server=row)


class ServerTestView(_Servers):
    @extend_schema(operation_id="llm_config_test_server", request=None, responses=ProbeOut)
    def post(self, request: Request, pk: int) -> Response:
        """Ask the server for its models and store how it is."""
        return Response(ProbeOut(servers.test_connection(server=self.get_object())).data)


class ServerModelsView(_Servers):
    @extend_schema(operation_id="llm_config_list_server_models", responses=ServedModelsOut)
    def get(self, request: Request, pk: int) -> Response:
        """What the server serves right now; 502 where it can't be asked."""
        return Response(ServedModelsOut(servers.models(server=self.get_object())).data)
