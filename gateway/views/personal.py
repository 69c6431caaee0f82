"""One path, two views: GET /api/v1/llm/models is OpenAI's list, everything else there manages personal models."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.views import APIView

_MINE = b"mine="
_READING = ("GET", "HEAD", "OPTIONS")

_View = Callable[..., Awaitable[HttpResponseBase]]


def is_management(method: str, query: bytes) -> bool:
    """Whatever writes, and what is read with `?mine=true`."""
    return method not in _READING or any(part.startswith(_MINE) for part in query.split(b"&"))


def either(inference: type[APIView], management: type[APIView]) -> Callable[..., HttpResponseBase]:
    """A view that gives each request to one of the two. `pk` is the name of a model to the former."""
    call, manage = cast(_View, inference.as_view()), sync_to_async(management.as_view())

    async def view(request: HttpRequest, **where: Any) -> HttpResponseBase:
        if is_management(str(request.method), request.META.get("QUERY_STRING", "").encode()):
            return await manage(request, **where)
        return await call(request, **({"name": str(where["pk"])} if where else {}))

    # What Django and the API's schema look for on the views of classes.
    view.cls = management  # type: ignore[attr-defined]
    view.initkwargs = {}  # type: ignore[attr-defined]
    view.csrf_exempt = True  # type: ignore[attr-defined]  # sessions' tokens are looked at by their authentication
    # Django takes coroutines as well as its stubs take functions.
    return cast(Callable[..., HttpResponseBase], view)
