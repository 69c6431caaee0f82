"""What the resources have in common: a list to read and add to, and one row to read, change and delete."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from django.db import models
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from opscenter.core import audit, preconditions

Serializer = type[BaseSerializer[Any]]
ViewClass = TypeVar("ViewClass", bound=type[GenericAPIView[Any]])


class Resource(GenericAPIView[Any]):
    """`serializer_class` is what is read, `input_class` what is written.

    `bookkeeping` names what is read and is no configuration, such as counters and health: it may change at any moment,
    and leaves the ETag as it is.
    """

    required_permissions: ClassVar[Mapping[str, str | tuple[str, ...]]]
    input_class: ClassVar[Serializer]
    bookkeeping: ClassVar[frozenset[str]] = frozenset()

    def read(self, *, partial: bool = False) -> dict[str, Any]:
        """The validated body. Raises DRF's ValidationError."""
        body = self.input_class(data=self.request.data, partial=partial, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def answer(self, row: models.Model, *, code: int = status.HTTP_200_OK) -> Response:
        """The row as it is stored now."""
        return self.shown(self.get_queryset().get(pk=row.pk), code=code)

    def shown(self, row: object, *, code: int = status.HTTP_200_OK) -> Response:
        """A row with its ETag."""
        data = self.get_serializer(row).data
        return Response(data, status=code, headers={"ETag": self._tag_of(data)})

    @contextmanager
    def matched(self, find: Callable[[], object]) -> Iterator[Any]:
        """The row that the request is about to change. With If-Match nothing changes it until the block ends.

        Raises PreconditionFailed.
        """
        if "If-Match" not in self.request.headers:
            yield find()
            return
        with audit.writing():
            row = find()
            self.require_match(row)
            yield row

    def require_match(self, row: Any) -> None:
        """Raise PreconditionFailed where If-Match does not name `row` as it is; for what may not be one transaction."""
        header = self.request.headers.get("If-Match")
        if header is not None:
            preconditions.require(header, None if row is None else self.tag_of(row))

    def tag_of(self, row: Any) -> str:
        return self._tag_of(self.get_serializer(row).data)

    def _tag_of(self, data: Any) -> str:
        return preconditions.tag_of(data, without=self.bookkeeping)


class ListView(Resource):
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        return self.answer(self.create(self.read()), code=status.HTTP_201_CREATED)

    def create(self, data: dict[str, Any]) -> models.Model:
        raise NotImplementedError


class RowView(Resource):
    def get(self, request: Request, pk: int) -> Response:
        return self.shown(self.get_object())

    def put(self, request: Request, pk: int) -> Response:
        with self.matched(self.get_object) as row:
            return self.answer(self.change(row, self.read()))

    def patch(self, request: Request, pk: int) -> Response:
        with self.matched(self.get_object) as row:
            return self.answer(self.change(row, self.read(partial=True)))

    def delete(self, request: Request, pk: int) -> Response:
        with self.matched(self.get_object) as row:
            self.remove(row)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def change(self, row: Any, data: dict[str, Any]) -> models.Model:
        raise NotImplementedError

    def remove(self, row: Any) -> None:
        raise NotImplementedError


IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description="The ETag that was read: 412 where something was changed since. Left out, nothing is compared.",
)
CHANGED_MEANWHILE = OpenApiResponse(description="It is not what If-Match names any more.")
IN_USE = OpenApiResponse(description="In use; the message and `details.used_by` name what uses it.")


def with_etag(*codes: int) -> OpenApiParameter:
    """Describes the header of the answers with these codes."""
    return OpenApiParameter(
        "ETag", location=OpenApiParameter.HEADER, response=list(codes), description="Stands for what is configured."
    )


def listed(name: str, read: Serializer, written: Serializer) -> Callable[[ViewClass], ViewClass]:
    """Describe a ListView in the API's schema; `name` is the operations' suffix."""
    return extend_schema_view(
        get=extend_schema(operation_id=f"llm_config_list_{name}", responses=read(many=True)),
        post=extend_schema(
            operation_id=f"llm_config_create_{name}",
            parameters=[with_etag(201)],
            request=written,
            responses={201: read},
        ),
    )


def addressed(name: str, read: Serializer, written: Serializer) -> Callable[[ViewClass], ViewClass]:
    """Describe a RowView in the API's schema; `name` is the operations' suffix."""
    written_to: Any = {"parameters": [IF_MATCH, with_etag(200)], "request": written}
    answers = {200: read, 412: CHANGED_MEANWHILE}
    return extend_schema_view(
        get=extend_schema(operation_id=f"llm_config_get_{name}", parameters=[with_etag(200)], responses=read),
        put=extend_schema(operation_id=f"llm_config_replace_{name}", responses=answers, **written_to),
        patch=extend_schema(operation_id=f"llm_config_change_{name}", responses=answers, **written_to),
        delete=extend_schema(
            operation_id=f"llm_config_delete_{name}",
            parameters=[IF_MATCH],
            responses={204: None, 409: IN_USE, 412: CHANGED_MEANWHILE},
        ),
    )
