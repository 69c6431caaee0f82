"""/api/v1/llm/keys: everybody's own virtual keys, for people who signed in.

A virtual key itself manages none: one that leaked could make others, or lock out who it was stolen from.
"""

from functools import cached_property
from typing import Any, ClassVar, cast

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from credits.snapshot import load_power_levels
from gateway import rights
from gateway.families import lines_of
from gateway.models import VirtualKey
from gateway.rights import Levels, Rights
from gateway.serializers.keys import (
    EnvironmentField,
    IssuedKeyOutput,
    RevokedOutput,
    RevokeInput,
    RotateInput,
    VirtualKeyChange,
    VirtualKeyInput,
    VirtualKeyOutput,
)
from gateway.services import key_rotation, keys, own_keys
from gateway.services.keys import IssuedKey
from llmconfig.serializers.fields import MAX_ID
from llmconfig.views.resource import CHANGED_MEANWHILE, IF_MATCH, ListView, Resource, RowView, Serializer, with_etag
from opscenter.core.api import Permissions
from opscenter.core.models import User

_TOO_MANY = OpenApiResponse(description="As many live keys as you may have, or the parent has ended.")
_ENDED = OpenApiResponse(description="It is revoked or has expired, or one has that it was made under.")
_BEYOND = OpenApiResponse(description="It would go beyond its bounds; `details.fields` says where.")
_WITH_PARENTS = VirtualKey.objects.all()
_NO_STORE = {"Cache-Control": "no-store"}


class VirtualKeyFilter(filters.FilterSet):  # type: ignore[misc]  # the library has no types
    environment = filters.CharFilter(method="keep_environment", label="Short or long: prod, Production.")
    parent = filters.NumberFilter("parent_id", max_value=MAX_ID, label="The id of the key that they were made under.")
    state = filters.ChoiceFilter(
        choices=[(state, state) for state in ("active", "expired", "revoked")], method="keep_state", label="Its own."
    )

    class Meta:
        model = VirtualKey
        fields = ("name", "component")

    def keep_environment(self, rows: QuerySet[VirtualKey], name: str, value: str) -> QuerySet[VirtualKey]:
        return rows.filter(environment=EnvironmentField().run_validation(value))

    def keep_state(self, rows: QuerySet[VirtualKey], name: str, value: str) -> QuerySet[VirtualKey]:
        if value == "revoked":
            return rows.filter(revoked_at__isnull=False)
        is_over = Q(expires_at__isnull=False, expires_at__lte=timezone.now())
        return rows.filter(is_over if value == "expired" else ~is_over, revoked_at__isnull=True)


class _Keys(Resource):
    """Nobody sees another's."""

    queryset = VirtualKey.objects.none()
    serializer_class = VirtualKeyOutput
    input_class: ClassVar[Serializer] = VirtualKeyInput
    filterset_class = VirtualKeyFilter
    bookkeeping = frozenset({"state", "in_force", "grace_ends_at"})
    required_permissions: ClassVar = {"*": Permissions.EXECUTE}

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def get_queryset(self) -> QuerySet[VirtualKey]:
        return own_keys.keys_of(self.user)

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        rows = args[0] if kwargs.get("many") else args[:1]
        context = {**self.get_serializer_context(), "rights": self._rights(rows)}
        return self.serializer_class(*args, **kwargs, context=context)

    def issued(self, issued: IssuedKey, *, code: int) -> Response:
        """The row with its secret, which nobody between here and the client may keep."""
        row = self.get_queryset().get(pk=issued.row.pk)
        context = {"rights": self._rights([row]), "plaintext": issued.plaintext}
        data = IssuedKeyOutput(row, context=context).data
        return Response(data, status=code, headers={**_NO_STORE, "ETag": self.tag_of(row)})

    def _rights(self, rows: Any) -> dict[int, Rights]:
        lines = lines_of(list(rows), among=_WITH_PARENTS.all())
        return {pk: rights.of_line(line, self._levels) for pk, line in lines.items()}

    @cached_property
    def _levels(self) -> Levels:
        return load_power_levels()


@extend_schema_view(
    get=extend_schema(operation_id="list_keys", responses=VirtualKeyOutput(many=True)),
    post=extend_schema(
        operation_id="create_key",
        parameters=[with_etag(201)],
        request=VirtualKeyInput,
        responses={201: IssuedKeyOutput, 409: _TOO_MANY, 422: _BEYOND},
    ),
)
class KeyListView(_Keys, ListView):
    def post(self, request: Request) -> Response:
        """The answer has the key itself, this once."""
        return self.issued(own_keys.create(user=self.user, values=self.read()), code=status.HTTP_201_CREATED)


@extend_schema_view(
    get=extend_schema(operation_id="get_key", parameters=[with_etag(200)], responses=VirtualKeyOutput),
    patch=extend_schema(
        operation_id="change_key",
        parameters=[IF_MATCH, with_etag(200)],
        request=VirtualKeyChange,
        responses={200: VirtualKeyOutput, 409: _ENDED, 412: CHANGED_MEANWHILE, 422: _BEYOND},
    ),
    delete=extend_schema(
        operation_id="revoke_key", parameters=[IF_MATCH], responses={204: None, 412: CHANGED_MEANWHILE}
    ),
)
class KeyView(_Keys, RowView):
    """Deleting a key revokes it, and all that were made under it; it stays to be looked at."""

    input_class = VirtualKeyChange
    http_method_names = ("get", "patch", "delete", "head", "options")

    def change(self, row: VirtualKey, data: dict[str, Any]) -> VirtualKey:
        return own_keys.update(key=row, values=data)

    def remove(self, row: VirtualKey) -> None:
        keys.revoke(row)


class KeyRotateView(_Keys):
    input_class = RotateInput

    @extend_schema(
        operation_id="rotate_key",
        parameters=[IF_MATCH, with_etag(200)],
        request=RotateInput,
        responses={200: IssuedKeyOutput, 409: _ENDED, 412: CHANGED_MEANWHILE},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Another secret for the key; until the grace period ends the former works too. Settings stay."""
        with self.matched(self.get_object) as row:
            return self.issued(key_rotation.rotate(row, **self.read()), code=status.HTTP_200_OK)


class KeysRevokeView(_Keys):
    input_class = RevokeInput

    @extend_schema(operation_id="revoke_keys", request=RevokeInput, responses=RevokedOutput)
    def post(self, request: Request) -> Response:
        """Revoke many, and those made under them: all or none. A key among `ids` that isn't yours is a 404."""
        wanted = self.read()
        revoke = own_keys.revoke_named if "ids" in wanted else own_keys.revoke_matching
        return Response({"revoked": revoke(user=self.user, **wanted)})
