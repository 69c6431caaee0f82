"""`run`: everything on one machine with one command; what `make run` calls."""

import http.client
import json
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from opscenter import bootstrap
from opscenter.bootstrap import Start
from opscenter.core.audit import Actor, acting_as
from opscenter.logging import redact
from opscenter.management.commands.serve import refuse_used_port
from opscenter.processes import free_port
from opscenter.supervisor import Program, Supervisor

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


class Command(BaseCommand):
    help = "Create what is missing (database, admin, key, demo provider), then run web, worker and demo server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - a server's default
        parser.add_argument("--port", type=int, default=settings.PORT, help="PORT unless given")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        refuse_used_port(host, port)
        start = self._prepare(port)
        shown: list[bool] = []

        def show() -> None:
            self.stdout.write("\n".join(welcome(start, url=settings.PUBLIC_URL or f"http://localhost:{port}")))
            self.stdout.flush()
            shown.append(True)

        supervisor = Supervisor(programs(host, port, start.demo_port))
        code = supervisor.run(is_ready=readiness(host, port, start.demo_port), on_ready=show)
        if not shown and (start.admin_password or start.key):
            show()
        sys.exit(code)

    def _prepare(self, port: int) -> Start:
        try:
            with acting_as(Actor.command("run")):
                return bootstrap.prepare(demo_port=free_port(preferred=port + 1))
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {redact(str(error))}") from error
        finally:
            connections.close_all()


def programs(host: str, port: int, demo_port: int | None) -> Iterator[Program]:
    manage = (sys.executable, str(settings.BASE_DIR / "manage.py"))
    yield Program("web", (*manage, "serve", f"--host={host}", f"--port={port}"), is_needed_to_start=True)
    yield Program("worker", (*manage, "worker"))
    if demo_port is not None:
        yield Program("demo server", (sys.executable, "-m", "opscenter.demo_server", f"--port={demo_port}"))


def readiness(host: str, port: int, demo_port: int | None) -> Callable[[], bool]:
    """Whether a call would be answered now."""

    def is_ready() -> bool:
        with suppress(OSError, http.client.HTTPException):
            if demo_port is not None:
                socket.create_connection(("127.0.0.1", demo_port), timeout=1).close()
            connection = http.client.HTTPConnection(_ANYWHERE.get(host, host), port, timeout=2)
            connection.request("GET", "/health/ready", headers={"Host": _allowed_host()})
            return connection.getresponse().status == http.client.OK
        return False

    return is_ready


def _allowed_host() -> str:
    host = next(iter(settings.ALLOWED_HOSTS), "*")
    return "localhost" if host == "*" else host.lstrip(".")


def welcome(start: Start, *, url: str) -> Iterator[str]:
    """What the terminal shows once calls are answered. Secrets appear in the start that made them, and never again."""
    yield ""
    yield f"  Ops-Center   {url}/v1"
    yield f"  Admin        {url}/admin/"
    yield f"  API docs     {url}/api/docs"
    if start.admin_password:
        yield f"  Sign in as   {bootstrap.ADMIN}"
        yield f"  Password     {start.admin_password}   (one-time: the admin asks for a new one; not shown again)"
    if start.demo_port is not None:
        yield "  Provider     the built-in demo server, which is no language model; add a real one in the admin"
    yield ""
    yield from _about_keys(start, url=url)
    yield ""


def _about_keys(start: Start, *, url: str) -> Iterator[str]:
    if start.key is None:
        yield "  Your data is as you left it. A new key:"
        yield "    .venv/bin/python manage.py create_virtual_key --user NAME --tier starter --credits 1000"
        return
    yield f"  Virtual key  {start.key}"
    yield f"               (user {bootstrap.CONSUMER}, {bootstrap.CREDITS} credits; not shown again)"
    yield ""
    yield "  Chat:"
    yield curl(url, start.key, stream=False)
    yield "  The same, streamed:"
    yield curl(url, start.key, stream=True)


def curl(url: str, key: str, *, stream: bool) -> str:
    body: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello!"}]}
    if stream:
        body["stream"] = True
    flag = "-N " if stream else ""
    return (
        f"    curl {flag}{url}/v1/chat/completions -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )
