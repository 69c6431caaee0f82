"""Sends requests as everybody, and judges what comes back."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import httpx
import requests
from schemathesis import Response
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

from opscenter.asgi import application
from tests.fuzz.cases import Request
from tests.fuzz.report import Seen

NOBODY = "nobody"
# To nobody: not known, no such route, too many of them, or no request that could be answered.
UNKNOWN = (400, 401, 404, 405, 406, 429)
# What an upstream did, or that there is none.
EXPLAINED = (502, 503, 504)
DESCRIBED = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


async def ask(request: Request, who: str, token: str | None, seen: Seen) -> None:
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)  # type: ignore[arg-type]  # httpx names its own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        try:
            sent = _as_sent(client, request, token)
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
            seen.unsendable += 1
            return
        begun = time.monotonic()
        answer = await client.send(sent)
    seen.slowest = max(seen.slowest, (time.monotonic() - begun, request.operation))
    seen.statuses.setdefault(who, Counter())[answer.status_code] += 1
    if who != NOBODY and request.case is not None:
        seen.answers.note(request.operation, answer)
    for kind in failures(request, who, answer, seen.secrets):
        seen.fail(kind, _told(sent, answer))


def failures(request: Request, who: str, answer: httpx.Response, secrets: Iterable[str]) -> Iterator[str]:
    if answer.status_code >= 500 and answer.status_code not in EXPLAINED:
        yield f"{request.operation} answers {answer.status_code} to {who}"
    if who == NOBODY and not request.is_open and answer.status_code not in UNKNOWN:
        yield f"{request.operation} answers {answer.status_code} to nobody"
    if any(secret in answer.text for secret in secrets):
        yield f"{request.operation} tells {who} a secret"
    if request.case is not None and not _is_of_another_route(answer):
        try:
            request.case.validate_response(_received(answer), checks=DESCRIBED)
        except FailureGroup as group:
            for failure in group.exceptions:
                yield f"{request.operation} answers {answer.status_code} undescribed: {_first_line(failure)}"


def _received(answer: httpx.Response) -> Response:
    """The answer alone: an odd request can't be said in the client that schemathesis knows."""
    return Response(
        status_code=answer.status_code,
        headers={name: answer.headers.get_list(name) for name in answer.headers},
        content=answer.content,
        request=requests.Request("GET", "http://localhost").prepare(),
        elapsed=0.0,
        verify=False,
    )


def _first_line(failure: BaseException) -> str:
    title, message = getattr(failure, "title", ""), getattr(failure, "message", str(failure))
    return f"{title}: {' '.join(str(message).split())[:160]}"


def _is_of_another_route(answer: httpx.Response) -> bool:
    """An odd address may be no route at all, or one of the pages."""
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    return is_page or b'"unknown_url"' in answer.content


def _as_sent(client: httpx.AsyncClient, request: Request, token: str | None) -> httpx.Request:
    credentials: Mapping[str, str | bytes] = {"Authorization": f"Bearer {token}"} if token else {}
    headers = [(name.encode(), _raw(value)) for name, value in {**request.headers, **credentials}.items()]
    return client.build_request(
        request.method, request.url, params=request.query or None, headers=headers, content=request.content
    )


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin1")


def _told(sent: httpx.Request, answer: httpx.Response) -> str:
    odd = {name: value for name, value in sent.headers.items() if name.lower() not in ("authorization", "user-agent")}
    return f"{sent.method} {str(sent.url)[:300]} {str(odd)[:300]} {sent.content[:500]!r}: {answer.text[:500]}"
