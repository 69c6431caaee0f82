"""Running the test upstream: in a thread of the test's process, or as a process that can be killed."""

import asyncio
import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from tests.upstream.calls import CallLog
from tests.upstream.server import UpstreamServer

HOST = "127.0.0.1"
STOP_TIMEOUT_S = 30


class Upstream:
    """A running upstream as tests see it; safe to use from any thread but the server's own."""

    def __init__(self, server: UpstreamServer, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._server = server
        self._loop = loop
        self.port = port
        self.origin = f"http://{HOST}:{port}"
        self.base_url = f"{self.origin}/v1"

    @property
    def calls(self) -> CallLog:
        """A copy of the list; the calls themselves are live, so poll their `ended` or `client_gone`."""
        return CallLog(self._server.calls)

    def behave(self, name: str, *specs: str) -> None:
        """`name` is a model or a path; each call takes the next spec, the last one stays. "ok" is well-behaved."""
        self._run(lambda: self._server.behave(name, *specs))

    def release(self) -> None:
        """Opens every gate, until reset."""
        self._run(self._server.release)

    def reset(self) -> None:
        self._run(self._server.reset)

    def _run(self, function: Any) -> None:
        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(STOP_TIMEOUT_S)


@contextmanager
def running_upstream() -> Iterator[Upstream]:
    """The upstream in a thread of its own, on a free port."""
    server = UpstreamServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="upstream", daemon=True)
    thread.start()
    try:
        runner, port = asyncio.run_coroutine_threadsafe(_start(server), loop).result(STOP_TIMEOUT_S)
        upstream = Upstream(server, loop, port)
        yield upstream
        upstream.reset()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(STOP_TIMEOUT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_TIMEOUT_S)
        loop.close()


async def _start(server: UpstreamServer) -> tuple[web.AppRunner, int]:
    runner = web.AppRunner(server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port: int = runner.addresses[0][1]
    return runner, port


class UpstreamProcess:
    """`python -m tests.upstream`, over its control endpoints."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self.port = port
        self.origin = f"http://{HOST}:{port}"
        self.base_url = f"{self.origin}/v1"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Each as Call.as_dict() gives it."""
        calls: list[dict[str, Any]] = self._control("GET", "/_calls")
        return calls

    def behave(self, name: str, *specs: str) -> None:
        self._control("PUT", "/_behaviours", {"name": name, "specs": specs})

    def release(self) -> None:
        self._control("POST", "/_release")

    def reset(self) -> None:
        self._control("DELETE", "/_calls")

    def kill(self) -> None:
        """SIGKILL: connections break, new ones are refused."""
        self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=STOP_TIMEOUT_S) as response:
            return json.load(response)


@contextmanager
def upstream_process(port: int = 0) -> Iterator[UpstreamProcess]:
    """The upstream as a process of its own, on a free port or where one was before."""
    command = [sys.executable, "-m", "tests.upstream", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield UpstreamProcess(process, int(process.stdout.readline()))
        finally:
            process.terminate()


@contextmanager
def refusing_url() -> Iterator[str]:
    """A base URL where connections are refused: its port is taken, so that nobody else listens there meanwhile."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield f"http://{HOST}:{taken.getsockname()[1]}/v1"
