"""/api/v1/llm/models as its owner manages it: personal models, over the owner's provider keys."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from llmconfig.models import LLMModel
from llmconfig.serializers.catalog import LLMModelOut
from llmconfig.serializers.own_models import OwnModelIn
from llmconfig.services import catalog, own_models
from llmconfig.views.resource import CHANGED_MEANWHILE, IF_MATCH, ListView, Resource, RowView, with_etag
from opscenter.core.api import Permissions

_MINE = OpenApiParameter("mine", bool, required=True, description="Without it, the answer is that of GET /v1/models.")
_WRITTEN: Any = {
    "parameters": [IF_MATCH, with_etag(200)],
    "request": OwnModelIn,
    "responses": {200: LLMModelOut, 412: CHANGED_MEANWHILE},
}


class _OwnModels(Resource):
    """Nobody sees another's."""

    queryset = LLMModel.objects.none()
    serializer_class = LLMModelOut
    input_class = OwnModelIn
    required_permissions: ClassVar = {"*": (Permissions.MANAGE_OWN_MODELS, Permissions.MANAGE_MODELS)}

    def get_queryset(self) -> QuerySet[LLMModel]:
        return LLMModel.objects.filter(owner_id=self.request.user.pk).complete()


@extend_schema_view(
    get=extend_schema(operation_id="list_own_models", parameters=[_MINE], responses=LLMModelOut(many=True)),
    post=extend_schema(operation_id="create_own_model", request=OwnModelIn, responses={201: LLMModelOut}),
)
class OwnModelListView(_OwnModels, ListView):
    def create(self, data: dict[str, Any]) -> LLMModel:
        owner: Any = self.request.user
        return own_models.create(owner=owner, deployments=data.pop("deployments", ()), values=data)


@extend_schema_view(
    get=extend_schema(operation_id="get_own_model", parameters=[_MINE, with_etag(200)], responses=LLMModelOut),
    put=extend_schema(operation_id="replace_own_model", **_WRITTEN),
    patch=extend_schema(operation_id="change_own_model", **_WRITTEN),
    delete=extend_schema(
        operation_id="delete_own_model", parameters=[IF_MATCH], responses={204: None, 412: CHANGED_MEANWHILE}
    ),
)
class OwnModelView(_OwnModels, RowView):
    def change(self, row: LLMModel, data: dict[str, Any]) -> LLMModel:
        return catalog.update_model(model=row, deployments=data.pop("deployments", None), values=data)

    def remove(self, row: LLMModel) -> None:
        catalog.delete_model(model=row)
