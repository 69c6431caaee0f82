"""/api-keys/{id}/rotate and /api-keys/{id}/versions"""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.models import ProviderKey
from llmconfig.serializers.api_keys import ProviderKeyOut
from llmconfig.serializers.key_versions import ForceIn, KeyVersionOut, RotateIn, TriedOut
from llmconfig.services import rotation
from llmconfig.services.rotation import Tried
from llmconfig.views.api_keys import Keys
from opscenter.core import secret_versions

_NOT_FIT = OpenApiResponse(description="The key's versions are in no state for that; the message says in which.")
_REFUSED = OpenApiResponse(description="The provider refused the key or gave no answer; nothing was changed.")


class KeyRotateView(Keys):
    input_class = RotateIn

    @extend_schema(
        operation_id="llm_config_rotate_api_key",
        request=RotateIn,
        responses={200: TriedOut, 409: _NOT_FIT, 422: _REFUSED},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Try a new key at the provider, then use it, at once or later; the former is kept for the grace period."""
        key, wanted = self.get_object(), self.read()
        stage_only = wanted.pop("stage_only")
        if not stage_only and wanted["activates_at"] is None:
            del wanted["activates_at"]
            return _answer(rotation.rotate(key=key, **wanted))
        return _answer(rotation.stage(key=key, **wanted))


class KeyVersionListView(Keys):
    @extend_schema(operation_id="llm_config_list_api_key_versions", responses=KeyVersionOut(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The newest first. Revoked ones stay in the list; their keys are erased."""
        key = self.get_object()
        page = self.paginate_queryset(secret_versions.versions_of(key))
        context = {**self.get_serializer_context(), "key": key}
        return self.get_paginated_response(KeyVersionOut(page, many=True, context=context).data)


class _Using(Keys):
    input_class = ForceIn

    def post(self, request: Request, pk: int, number: int) -> Response:
        return _answer(self.use(self.get_object(), number=number, **self.read()))

    def use(self, key: ProviderKey, **wanted: Any) -> Tried:
        raise NotImplementedError


def _using(operation: str) -> Any:
    responses = {200: TriedOut, 409: _NOT_FIT, 422: _REFUSED}
    return extend_schema_view(
        post=extend_schema(operation_id=f"llm_config_{operation}_api_key", request=ForceIn, responses=responses)
    )


@_using("activate")
class KeyActivateView(_Using):
    """A staged version."""

    def use(self, key: ProviderKey, **wanted: Any) -> Tried:
        return rotation.activate(key=key, **wanted)


@_using("revert")
class KeyRevertView(_Using):
    """To a retired version."""

    def use(self, key: ProviderKey, **wanted: Any) -> Tried:
        return rotation.revert(key=key, **wanted)


class KeyRevokeView(Keys):
    @extend_schema(
        operation_id="llm_config_revoke_api_key_version", request=None, responses={200: ProviderKeyOut, 409: _NOT_FIT}
    )
    def post(self, request: Request, pk: int, number: int) -> Response:
        """Erase a staged or retired version, for good."""
        return self.answer(rotation.revoke(key=self.get_object(), number=number))


def _answer(tried: Tried) -> Response:
    return Response(TriedOut(tried).data)
