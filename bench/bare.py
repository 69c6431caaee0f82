"""Bare `litellm.acompletion` behind the least of an ASGI application, `python -m bench.bare`: what its engine costs a
server by itself. No keys, no ledger, no rows, no logs.
"""

import argparse
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

import litellm
import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def answer_chat(upstream: Mapping[str, str], scope: Message, receive: Receive, send: Send) -> None:
    """An ASGI application, but for `upstream`: LiteLLM's arguments. Whatever the path, it is a chat completion."""
    asked = json.loads(await _body(receive))
    answer = await litellm.acompletion(**{**asked, "model": f"openai/{asked['model']}", **upstream})
    if not asked.get("stream"):
        await _start(send, b"application/json")
        await send({"type": "http.response.body", "body": answer.model_dump_json().encode()})
        return
    await _start(send, b"text/event-stream")
    async for chunk in answer:
        event = f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"
        await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _start(send: Send, content_type: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="litellm.acompletion, served.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-base", required=True, help="where calls are passed on to")
    options = parser.parse_args()
    uvicorn.run(
        partial(answer_chat, {"api_base": options.api_base, "api_key": secrets.token_urlsafe(16)}),
        port=options.port,
        loop="uvloop",
        http="httptools",
        interface="asgi3",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_level="warning",
    )
