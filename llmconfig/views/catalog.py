"""/models and /deployments"""

from typing import Any, ClassVar

from llmconfig.models import Deployment, LLMModel
from llmconfig.serializers.catalog import (
    DeploymentIn,
    DeploymentOut,
    DeploymentUpdateIn,
    LLMModelIn,
    LLMModelOut,
)
from llmconfig.services import catalog
from llmconfig.views.filters import DeploymentFilter, LLMModelFilter
from llmconfig.views.resource import ListView, Resource, RowView, Serializer, addressed, listed
from opscenter.core.api import Permissions


class _Models(Resource):
    """The platform's models."""

    queryset = LLMModel.objects.platform().complete()
    serializer_class = LLMModelOut
    input_class = LLMModelIn
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.MANAGE_MODELS}


@listed("models", LLMModelOut, LLMModelIn)
class ModelListView(_Models, ListView):
    filterset_class = LLMModelFilter

    def create(self, data: dict[str, Any]) -> LLMModel:
        return catalog.create_model(deployments=data.pop("deployments", ()), values=data)


@addressed("model", LLMModelOut, LLMModelIn)
class ModelView(_Models, RowView):
    def change(self, row: LLMModel, data: dict[str, Any]) -> LLMModel:
        return catalog.update_model(model=row, deployments=data.pop("deployments", None), values=data)

    def remove(self, row: LLMModel) -> None:
        catalog.delete_model(model=row)


class _Deployments(Resource):
    """The deployments of the platform's models."""

    queryset = Deployment.objects.platform().complete()
    serializer_class = DeploymentOut
    input_class: ClassVar[Serializer] = DeploymentUpdateIn
    required_permissions: ClassVar = {"GET": Permissions.READ, "*": Permissions.MANAGE_MODELS}


@listed("deployments", DeploymentOut, DeploymentIn)
class DeploymentListView(_Deployments, ListView):
    input_class = DeploymentIn
    filterset_class = DeploymentFilter

    def create(self, data: dict[str, Any]) -> Deployment:
        return catalog.create_deployment(model=data["model"], values=data)


@addressed("deployment", DeploymentOut, DeploymentUpdateIn)
class DeploymentView(_Deployments, RowView):
    def change(self, row: Deployment, data: dict[str, Any]) -> Deployment:
        return catalog.update_deployment(deployment=row, values=data)

    def remove(self, row: Deployment) -> None:
        catalog.delete_deployment(deployment=row)
