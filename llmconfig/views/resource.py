"""What the resources have in common: a list to read and add to, and one row to read, change and delete."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db import models
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

Serializer = type[BaseSerializer[Any]]
ViewClass = TypeVar("ViewClass", bound=type[GenericAPIView[Any]])


class Resource(GenericAPIView[Any]):
    """`serializer_class` is what is read, `input_class` what is written."""

    required_permissions: ClassVar[dict[str, str]]
    input_class: ClassVar[Serializer]

    def read(self, *, partial: bool = False) -> dict[str, Any]:
        """The validated body. Raises DRF's ValidationError."""
        body = self.input_class(data=self.request.data, partial=partial, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def answer(self, row: models.Model, *, code: int = status.HTTP_200_OK) -> Response:
        """The row as it is stored now."""
        return Response(self.get_serializer(self.get_queryset().get(pk=row.pk)).data, status=code)


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
        return Response(self.get_serializer(self.get_object()).data)

    def put(self, request: Request, pk: int) -> Response:
        return self.answer(self.change(self.get_object(), self.read()))

    def patch(self, request: Request, pk: int) -> Response:
        return self.answer(self.change(self.get_object(), self.read(partial=True)))

    def delete(self, request: Request, pk: int) -> Response:
        self.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def change(self, row: Any, data: dict[str, Any]) -> models.Model:
        raise NotImplementedError

    def remove(self, row: Any) -> None:
        raise NotImplementedError


def listed(name: str, read: Serializer, written: Serializer) -> Callable[[ViewClass], ViewClass]:
    """Describe a ListView in the API's schema; `name` is the operations' suffix."""
    return extend_schema_view(
        get=extend_schema(operation_id=f"llm_config_list_{name}", responses=read(many=True)),
        post=extend_schema(operation_id=f"llm_config_create_{name}", request=written, responses={201: read}),
    )


def addressed(name: str, read: Serializer, written: Serializer) -> Callable[[ViewClass], ViewClass]:
    """Describe a RowView in the API's schema; `name` is the operations' suffix."""
    in_use = OpenApiResponse(description="In use; the message names what uses it.")
    return extend_schema_view(
        get=extend_schema(operation_id=f"llm_config_get_{name}", responses=read),
        put=extend_schema(operation_id=f"llm_config_replace_{name}", request=written, responses=read),
        patch=extend_schema(operation_id=f"llm_config_change_{name}", request=written, responses=read),
        delete=extend_schema(operation_id=f"llm_config_delete_{name}", responses={204: None, 409: in_use}),
    )
