"""Every route, every method, everybody: as the table says, and refused before a body is read or a row is written."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.access.people import (
    ADMINS_TOKEN,
    BARE_STAFF,
    EVERYBODY,
    LEFT,
    NOBODY,
    ROOT,
    SESSIONS,
    STAFF_USER,
    STRANGERS,
    USERS_KEY,
)
from tests.access.table import CONSUMERS, PERSONAL, TABLE, Kind, Line, line_of
from tests.access.walk import METHODS, Route, all_routes
from tests.gateway.in_process import InProcess
from tests.gateway.pages import from_a_page

pytestmark = pytest.mark.once

REFUSED = (401, 403)
SIGN_IN = ("/admin/login/", "/accounts/login/")
TO_DO = (
    "Nothing says who may ask for {}. Add it to a line of tests/access/table.py, or a line that names for each method "
    "who is let in; everybody else is to be refused."
)


class Unread(BytesIO):
    """A body that is no JSON, and whether anybody looked."""

    was_read = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.was_read = True
        return super().read(size)


@contextmanager
def seen_writing() -> Iterator[list[str]]:
    """The statements that change rows, but for those of sessions: visitors of the pages may have one."""
    changes: list[str] = []

    def see(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.lstrip("( ").split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE") and "django_session" not in sql:
            changes.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(see):
        yield changes


def routes(kind: Kind) -> list[tuple[Route, Line]]:
    covered = ((route, line_of(route.pattern)) for route in all_routes())
    return [(route, line) for route, line in covered if line is not None and line.kind is kind]


def ask(client: Client, method: str, path: str, where: object) -> Any:
    """The answer, which is refused, where it is, before anything was read or written."""
    body = Unread(b"{")
    sent: Any = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "1", "wsgi.input": body}
    with seen_writing() as changes:
        answer: Any = client.generic(method, path, **sent)
    assert answer.status_code < 500, where
    if answer.status_code in REFUSED or answer.status_code == 302:
        assert not changes, where
        assert not body.was_read, where
    return answer


def methods_for(who: str, route: Route, number: int) -> tuple[str, ...]:
    """All that a view has, of it or not. Strangers are told apart from nobody by what they bring: each asks a route by
    one method, the next by another, so that all of them together ask by all.
    """
    if who in (NOBODY, ROOT):
        return METHODS
    if who not in STRANGERS:
        return route.methods
    turn = (number + list(STRANGERS).index(who)) % len(route.methods)
    return route.methods[turn : turn + 1]


def test_every_route_is_in_the_table() -> None:
    forgotten = [route.pattern for route in all_routes() if line_of(route.pattern) is None]

    assert not forgotten, TO_DO.format(forgotten)


def test_a_route_that_nobody_thought_of_is_in_no_line() -> None:
    assert line_of("api/v3/anything") is None
    assert len([row for row in TABLE if row.kind is Kind.MANAGED]) > 5


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_management_api_lets_in_whom_the_table_names(who: str, db: None) -> None:
    client = EVERYBODY[who]().client
    for number, (route, line) in enumerate(routes(Kind.MANAGED)):
        if route.pattern.endswith("/") and who != NOBODY:
            continue  # the same view as without the slash
        for method in methods_for(who, route, number):
            where = (who, method, route.pattern)
            answer = ask(client, method, f"{route.path}?mine=true", where)
            if method not in route.methods:
                assert answer.status_code in (*REFUSED, 404, 405), (where, answer.status_code)
            elif line.lets_in(who, method):
                let_in = answer.status_code not in REFUSED or b"reauthentication_required" in answer.content
                assert let_in, (where, answer.content)
            else:
                assert answer.status_code == (401 if who in STRANGERS else 403), (where, answer.status_code)
                kind = "authentication_error" if who in STRANGERS else "permission_error"
                assert answer.json()["error"]["type"] == kind, (where, answer.content)


# A page looks at no bearer: one of them stands for all.
@pytest.mark.parametrize("who", [NOBODY, LEFT, ADMINS_TOKEN, *(who for who in SESSIONS if who != ROOT)])
def test_pages_refuse_whom_the_table_does_not_name(who: str, db: None) -> None:
    client = EVERYBODY[who]().client
    # A page takes its time: of two who stand alike, each asks for half.
    halves = {BARE_STAFF: {"GET"}, STAFF_USER: {"POST"}, LEFT: {"GET"}, ADMINS_TOKEN: {"POST"}}
    methods = halves.get(who, {"GET", "POST"})
    for route, line in routes(Kind.PAGE):
        for method in methods.intersection(route.methods):
            if line.lets_in(who, method):
                continue
            where = (who, method, route.pattern)
            answer = ask(client, method, route.path, where)
            if answer.status_code == 302:
                # Of a row that isn't there staff are led to the front page.
                to = ("/admin/",) if who in SESSIONS else SIGN_IN
                assert answer["Location"].startswith(to), (where, answer["Location"])
            else:
                refusals = (403, 404, 405) if who in SESSIONS else (405,)
                assert answer.status_code in refusals, (where, answer.status_code)


def test_inference_lets_in_whom_the_table_names(transactional_db: None) -> None:
    visitors = {who: make() for who, make in EVERYBODY.items()}
    asked = [
        *routes(Kind.INFERENCE),
        *((Route(pattern, ("GET",)), Line((), Kind.INFERENCE, {"GET": CONSUMERS})) for pattern in PERSONAL),
    ]
    with InProcess() as serving:
        for who, visitor in visitors.items():
            headers = from_a_page(visitor.client) if visitor.client.cookies else {}
            for route, line in asked:
                if route.pattern.startswith("api/v1/llm/") and who not in (NOBODY, ROOT, USERS_KEY):
                    continue  # the same view as under v1/
                for method in METHODS if who == USERS_KEY else route.methods:
                    if route.pattern in PERSONAL and method != "GET":
                        continue
                    where = (who, method, route.pattern)
                    answer = serving.call(method, route.path, key=visitor.key, content=b"{", headers=headers)
                    if method not in route.methods:
                        assert answer.status_code in (403, 404, 405), (where, answer.text)
                    elif line.lets_in(who, method):
                        assert answer.status_code not in REFUSED and answer.status_code < 500, (where, answer.text)
                    else:
                        refusal = 401 if who in STRANGERS else 403
                        assert answer.status_code == refusal, (where, answer.text)


def test_inference_reads_no_body_of_whom_it_does_not_know(transactional_db: None) -> None:
    with InProcess() as serving:
        for route, _ in routes(Kind.INFERENCE):
            if "POST" in route.methods:
                assert serving.run(_refused_unread(route.path)) == 401, route.pattern


async def _refused_unread(path: str) -> int:
    """The status; AssertionError where the body was asked for before it was sent."""
    from opscenter.asgi import application

    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        assert statuses, path
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"localhost"), (b"content-length", b"20"), (b"authorization", b"Bearer sk-ops-of_nobody")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    await application(scope, receive, send)
    return statuses[0]
