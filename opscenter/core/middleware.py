"""Request ids, who acts, and one-time passwords, for everything but the inference endpoints."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from opscenter.core import log_context
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
        with acting_as(request), log_context.serving(request.request_id):  # type: ignore[attr-defined]
            response = self.get_response(request)
        return self._marked(request, response)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        request.request_id = str(uuid7())  # type: ignore[attr-defined]
        with acting_as(request), log_context.serving(request.request_id):  # type: ignore[attr-defined]
            response = await self.get_response(request)  # type: ignore[misc]
        return self._marked(request, response)

    @staticmethod
    def _marked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.setdefault("x-request-id", request.request_id)  # type: ignore[attr-defined]
        return response


class OneTimePasswordMiddleware(MiddlewareMixin):
    """Lets who signed in to the admin with a one-time password do nothing there but change it."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if not request.path.startswith("/admin/"):
            return None
        change = reverse("account_change_password")
        if request.path in (reverse("admin:logout"), reverse("admin:jsi18n")):
            return None
        return HttpResponseRedirect(change) if getattr(request.user, "must_change_password", False) else None
