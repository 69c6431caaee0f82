"""A process of its own that calls every provider LiteLLM knows, and prints which of them got past the guard.

`python -m tests.outbound.every_provider PORT`: every address is refused, so whatever reaches for a socket or a name
outside the guarded transport is a way around it. Prints JSON: {"called": n, "around": [[provider, what], ...]}.
"""

import asyncio
import json
import os
import sys
import traceback
import warnings
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")

import django

django.setup()

from gateway.transports.errors import UpstreamError  # noqa: E402 - needs the loaded apps, like the next two
from gateway.transports.litellm import LiteLLM, load  # noqa: E402
from tests.gateway.transports.conftest import attempt, make_call  # noqa: E402

REACHING = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
GUARDED = ("aiohttp", "aiohappyeyeballs", "concurrent/futures")  # where the guard resolves and connects


class Watch:
    """An audit hook: notes who reaches out around the guard, and lets nobody connect."""

    def __init__(self) -> None:
        self.provider = ""
        self.around: list[tuple[str, str]] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in REACHING or (event == "socket.connect" and not isinstance(arguments[1], tuple)):
            return
        files = [frame.filename for frame in traceback.extract_stack()]
        if event == "socket.connect" or not any(part in file for file in files for part in GUARDED):
            self.around.append((self.provider, f"{event} {arguments[-1 if event == 'socket.connect' else 0]}"))
        raise OSError("nothing is reached from here")


async def call_all(watch: Watch, port: int) -> int:
    litellm = load()
    transport = LiteLLM()
    called = 0
    for provider in litellm.provider_list:
        watch.provider = str(getattr(provider, "value", provider))
        for stream, base in ((False, ""), (True, f"http://127.0.0.1:{port}/v1")):
            target = {"is_private_network": False, "litellm_provider": watch.provider}
            try:
                await attempt(transport, make_call(base, stream=stream, target=target))
            except UpstreamError:
                called += 1
    await transport.aclose()
    return called


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    watch = Watch()
    print(json.dumps({"called": asyncio.run(call_all(watch, int(sys.argv[1]))), "around": watch.around}))
