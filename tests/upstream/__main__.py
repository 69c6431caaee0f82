"""`python -m tests.upstream --port N`: prints its port, then serves until SIGTERM.

Beside the upstream: GET and DELETE /_calls, PUT /_behaviours {"name", "specs"}, POST /_release.
"""

import argparse
import asyncio
import signal

from aiohttp import web

from tests.upstream.server import UpstreamServer


class ControlledServer(UpstreamServer):
    """The upstream with its controls over HTTP."""

    def application(self) -> web.Application:
        application = super().application()
        application.add_routes(
            [
                web.get("/_calls", self._list_calls),
                web.delete("/_calls", self._forget_calls),
                web.put("/_behaviours", self._set_behaviour),
                web.post("/_release", self._release),
            ]
        )
        return application

    async def _list_calls(self, request: web.Request) -> web.Response:
        return web.json_response([call.as_dict() for call in self.calls])

    async def _forget_calls(self, request: web.Request) -> web.Response:
        self.reset()
        return web.json_response({})

    async def _set_behaviour(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.behave(body["name"], *body["specs"])
        return web.json_response({})

    async def _release(self, request: web.Request) -> web.Response:
        self.release()
        return web.json_response({})


async def serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        ControlledServer().application(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print(runner.addresses[0][1], flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model server for tests that misbehaves as told.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(serve(options.host, options.port))
