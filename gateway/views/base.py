"""The asynchronous base of the inference views: DRF's authentication and permissions, and nothing else on the path."""

import json
import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from gateway import metrics, runtime
from gateway.authentication import CallerAuthentication, key_of
from gateway.callers import Caller
from gateway.error_words import also_named, in_words_of
from gateway.errors import InvalidRequest, NotAuthenticated
from gateway.services.keys import hash_key
from gateway.session_callers import names_session
from opscenter.core import log_context
from opscenter.core.api import LLMPermission, exception_handler
from opscenter.core.errors import ServiceError, envelope
from opscenter.core.ids import uuid7

log = logging.getLogger(__name__)

_HANDLERS = {"GET": "get", "POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}


class InferenceView(APIView):
    """Handlers are coroutines that take a DRF request, whose user is a Caller, and return a Django response.

    Content negotiation is left out: DRF would answer 406 to `Accept: text/event-stream`.
    """

    authentication_classes = (CallerAuthentication,)
    permission_classes = (LLMPermission,)
    required_permissions: ClassVar[Mapping[str, str]] = {"GET": "llm.read", "POST": "llm.execute"}

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        request_id = uuid7()
        request.request_id = request_id  # type: ignore[attr-defined]
        # Never reset: each call is served in a task, and so in a context, of its own.
        log_context.request_id.set(request_id)
        try:
            response = await self._handled(request, *args, **kwargs)
        except ServiceError as error:
            response = error_response(error, path=request.path, request_id=request_id)
        except APIException as error:
            response = _drf_response(error, path=request.path, request_id=request_id)
        except TooManyFieldsSent:
            told = InvalidRequest(f"The address has more than {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} parameters.")
            response = error_response(told, path=request.path, request_id=request_id)
        except Exception:
            log.exception("an inference view failed")
            failure = ServiceError("Something went wrong here. The request id names this failure.")
            response = error_response(failure, path=request.path, request_id=request_id)
        response.headers.setdefault("x-request-id", str(request_id))
        return response

    async def _handled(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The handler knows the caller already where there was a body to be read.
        known: Caller | None = request.scope.get("caller")  # type: ignore[attr-defined]  # an ASGIRequest's
        caller = request.caller = known or await caller_by(key_of(request), request.scope)  # type: ignore[attr-defined]
        self.args, self.kwargs = args, kwargs
        drf_request = self.request = self.initialize_request(request, *args, **kwargs)
        drf_request.user = caller  # type: ignore[assignment]  # to the stubs a Django user
        handler = getattr(self, _HANDLERS.get(str(request.method), ""), None)
        if handler is None:
            raise MethodNotAllowed(str(request.method))
        self.check_permissions(drf_request)
        response: HttpResponseBase = await handler(drf_request, *args, **kwargs)
        return response


def caller_of(request: Request) -> Caller:
    caller: object = request.user
    assert isinstance(caller, Caller)
    return caller


async def caller_by(plaintext: str | None, scope: MutableMapping[str, Any]) -> Caller:
    """Whose key this is; without one, whose session. Raises NotAuthenticated (401), and what refuses a session."""
    if plaintext is None and not names_session(scope["headers"]):
        raise NotAuthenticated()
    serving = runtime.current()
    secret_hash = await serving.sessions.secret_hash(scope) if plaintext is None else hash_key(plaintext)
    caller = await serving.snapshots.caller(secret_hash)
    if caller is None:
        raise NotAuthenticated("This API key is unknown, expired or revoked.")
    return caller


def error_response(error: ServiceError, *, path: str, request_id: UUID) -> HttpResponse:
    """`error` as the clients of the endpoint at `path` read it, with the request's id."""
    return _told(error.body(), error.status, error.headers, path=path, request_id=request_id)


def _drf_response(error: APIException, *, path: str, request_id: UUID) -> HttpResponse:
    response = exception_handler(error, {})
    if response is None:
        return _told(envelope(str(error.detail), type="server_error"), 500, {}, path=path, request_id=request_id)
    headers = {name: value for name, value in response.items() if name.lower() != "content-type"}
    return _told(response.data, response.status_code, headers, path=path, request_id=request_id)


def _told(
    body: dict[str, Any], status: int, headers: Mapping[str, str], *, path: str, request_id: UUID
) -> HttpResponse:
    metrics.count_error(status, body["error"]["code"] or body["error"]["type"])
    content = json.dumps(in_words_of(path, body, status=status, request_id=request_id), default=str)
    return HttpResponse(
        content,
        status=status,
        content_type="application/json",
        headers={**headers, "x-request-id": str(request_id), **also_named(path, request_id)},
    )
