"""/api/v1/admin/platform-keys/: the platform's keys by their providers' names."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from llmconfig.models import ProviderKey
from llmconfig.providers import PROVIDERS, provider_for
from llmconfig.serializers.platform_keys import DecryptedKeyOut, PlatformKeyIn, PlatformKeyOut
from llmconfig.serializers.servers import ProbeOut
from llmconfig.services import platform_keys, provider_keys
from llmconfig.views.resource import CHANGED_MEANWHILE, IF_MATCH, Resource, with_etag
from opscenter.core.api import Permissions
from opscenter.core.errors import Forbidden
from opscenter.core.signin import reauthentication


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A provider's key as it is shown, or that there is none."""

    provider: str
    row: ProviderKey | None

    @property
    def name(self) -> str:
        return provider_for(self.provider).name

    @property
    def is_set(self) -> bool:
        return self.row is not None and self.row.encrypted_key_id is not None

    @property
    def id(self) -> int | None:
        return self.row.pk if self.row else None

    @property
    def key_name(self) -> str | None:
        return self.row.key_name if self.row else None

    @property
    def masked_key(self) -> str | None:
        return self.row.masked_key if self.row else None

    @property
    def source(self) -> str | None:
        return platform_keys.source_of(self.row) if self.row else None

    @property
    def enabled(self) -> bool | None:
        return self.row.enabled if self.row else None

    @property
    def last_used(self) -> datetime | None:
        return self.row.last_used if self.row else None

    @property
    def updated_at(self) -> datetime | None:
        return self.row.updated_at if self.row else None

    @property
    def version(self) -> int | None:
        return self.row.version if self.row else None


class _PlatformKeys(Resource):
    queryset = ProviderKey.objects.platform()
    serializer_class = PlatformKeyOut
    input_class = PlatformKeyIn
    filterset_class = None
    bookkeeping = frozenset({"last_used", "updated_at"})
    required_permissions: ClassVar = {"*": Permissions.MANAGE_PROVIDERS}


class PlatformKeyListView(_PlatformKeys):
    @extend_schema(operation_id="list_platform_keys", responses=PlatformKeyOut(many=True))
    def get(self, request: Request) -> Response:
        """Every provider that is known by name, and every other that has a key."""
        stored = platform_keys.every()
        shown = [PlatformKey(slug, stored.get(slug)) for slug in dict.fromkeys([*PROVIDERS, *sorted(stored)])]
        page = self.paginate_queryset(shown)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class PlatformKeyView(_PlatformKeys):
    @extend_schema(operation_id="get_platform_key", parameters=[with_etag(200)], responses=PlatformKeyOut)
    def get(self, request: Request, provider: str) -> Response:
        """Masked; 404 where none is set."""
        return self.shown(self.get_object())

    def get_object(self) -> PlatformKey:
        return _of(platform_keys.get(self.kwargs["provider"]))

    @extend_schema(
        operation_id="set_platform_key",
        parameters=[IF_MATCH, with_etag(200)],
        request=PlatformKeyIn,
        responses={200: PlatformKeyOut, 412: CHANGED_MEANWHILE},
    )
    def put(self, request: Request, provider: str) -> Response:
        """Set the key, in place of the former; it goes before the environment's from now on."""
        with self.matched(lambda: self._stored(provider)):
            return self.shown(_of(platform_keys.put(provider, api_key=self.read()["api_key"])))

    @extend_schema(
        operation_id="delete_platform_key",
        parameters=[IF_MATCH],
        responses={
            204: None,
            409: OpenApiResponse(description="Active; the message names for what."),
            412: CHANGED_MEANWHILE,
        },
    )
    def delete(self, request: Request, provider: str) -> Response:
        """Delete the key. Models that are deployed on it stay, and can't be called until there is another."""
        with self.matched(lambda: self._stored(provider)):
            platform_keys.remove(provider)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _stored(self, provider: str) -> PlatformKey | None:
        found = PlatformKey(provider, platform_keys.find(provider))
        return found if found.is_set else None


def _of(row: ProviderKey) -> PlatformKey:
    return PlatformKey(row.provider, row)


class PlatformKeyTestView(_PlatformKeys):
    @extend_schema(operation_id="test_platform_key", request=None, responses=ProbeOut)
    def post(self, request: Request, provider: str) -> Response:
        """Make the provider's free call that needs the key."""
        return Response(ProbeOut(provider_keys.test_key(key=platform_keys.get(provider))).data)


class DecryptedKeyView(_PlatformKeys):
    @extend_schema(operation_id="decrypt_platform_key", responses=DecryptedKeyOut)
    def get(self, request: Request, provider: str) -> Response:
        """The key itself, for superusers who entered their password within five minutes; each time is audited."""
        if not request.user.is_superuser:
            raise Forbidden("Superusers alone may see a stored key.")
        reauthentication.demand(request)
        api_key, source = platform_keys.reveal(provider)
        answer = DecryptedKeyOut({"api_key": api_key, "source": source}).data
        return Response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
