"""Gives every request an id and says who acts, for everything but the inference endpoints."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from opscenter.core.audit import acting_as
from opscenter.core.ids import uuid7


class RequestContextMiddleware:
    """Sets request.request_id, answers it as x-request-id, and makes the request the audit's actor."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.is_async:
            return self._acall(request)  # type: ignore[return-value]
        request.request_id = str(uuid7())  # type: ignore[attr-defined]
        with acting_as(request):
            response = self.get_response(request)
        return self._marked(request, response)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        request.request_id = str(uuid7())  # type: ignore[attr-defined]
        with acting_as(request):
            response = await self.get_response(request)  # type: ignore[misc]
        return self._marked(request, response)

    @staticmethod
    def _marked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.setdefault("x-request-id", request.request_id)  # type: ignore[attr-defined]
        return response
