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
from llmconfig.views.resource import CHANGED_MEANWHILE, IF_MATCH, with_etag
from opscenter.core import secret_versions

_NOT_FIT = OpenApiResponse(description="The key's versions are in no state for that; the message says in which.")
_REFUSED = OpenApiResponse(description="The provider refused the key or gave no answer; nothing was changed.")
_ANSWERS = {200: TriedOut, 409: _NOT_FIT, 412: CHANGED_MEANWHILE, 422: _REFUSED}
_HEADERS = [IF_MATCH, with_etag(200)]


class _Trying(Keys):
    """If-Match is about the key, before its provider is asked and once more before anything is changed."""

    def get_object(self) -> ProviderKey:
        key: ProviderKey = super().get_object()
        self.require_match(key)
        return key

    def told(self, tried: Tried) -> Response:
        shown = TriedOut(tried, context=self.get_serializer_context()).data
        return Response(shown, headers={"ETag": self.tag_of(tried.key)})


class KeyRotateView(_Trying):
    input_class = RotateIn

    @extend_schema(operation_id="llm_config_rotate_api_key", parameters=_HEADERS, request=RotateIn, responses=_ANSWERS)
    def post(self, request: Request, pk: int) -> Response:
        """Try a new key at the provider, then use it, at once or later; the former is kept for the grace period."""
        key, wanted = self.get_object(), self.read()
        stage_only = wanted.pop("stage_only")
        if not stage_only and wanted["activates_at"] is None:
            del wanted["activates_at"]
            return self.told(rotation.rotate(key=key, **wanted, check=self.require_match))
        return self.told(rotation.stage(key=key, **wanted, check=self.require_match))


class KeyVersionListView(Keys):
    @extend_schema(operation_id="llm_config_list_api_key_versions", responses=KeyVersionOut(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """The newest first. Revoked ones stay in the list; their keys are erased."""
        key = self.get_object()
        page = self.paginate_queryset(secret_versions.versions_of(key))
        context = {**self.get_serializer_context(), "key": key}
        return self.get_paginated_response(KeyVersionOut(page, many=True, context=context).data)


class _Using(_Trying):
    input_class = ForceIn

    def post(self, request: Request, pk: int, number: int) -> Response:
        wanted = {"number": number, **self.read()}
        return self.told(self.use(self.get_object(), **wanted, check=self.require_match))

    def use(self, key: ProviderKey, **wanted: Any) -> Tried:
        raise NotImplementedError


def _using(operation: str) -> Any:
    described: Any = {"parameters": _HEADERS, "request": ForceIn, "responses": _ANSWERS}
    return extend_schema_view(post=extend_schema(operation_id=f"llm_config_{operation}_api_key", **described))


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
        operation_id="llm_config_revoke_api_key_version",
        parameters=_HEADERS,
        request=None,
        responses={200: ProviderKeyOut, 409: _NOT_FIT, 412: CHANGED_MEANWHILE},
    )
    def post(self, request: Request, pk: int, number: int) -> Response:
        """Erase a staged or retired version, for good."""
        with self.matched(self.get_object) as key:
            return self.answer(rotation.revoke(key=key, number=number))
