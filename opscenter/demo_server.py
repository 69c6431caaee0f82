"""The built-in demo model server: OpenAI's wire format without a model, so that a fresh install can chat offline.

It says in every answer that it is no model. A process of its own that needs no settings:
`python -m opscenter.demo_server --host 127.0.0.1 --port N`.
"""

import argparse
import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

log = logging.getLogger(__name__)

MODEL = "demo"
LABEL = "This is the built-in demo server of Ops-Center, not a language model."
DONE = b"data: [DONE]\n\n"
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
MAX_CHOICES = 128
MAX_BODY_BYTES = 64 * 1024 * 1024
WORD = re.compile(r"\s*\S+")


class RequestRefused(Exception):
    """A request that OpenAI would refuse too; `response()` is the refusal in its envelope."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None):
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}

    def response(self) -> web.Response:
        return web.json_response({"error": self.error}, status=self.status)


@dataclass(frozen=True, slots=True)
class Chat:
    """What is read of a chat request; tools, temperature and everything else are tolerated and ignored."""

    model: str
    question: str
    prompt_tokens: int
    n: int
    stop: tuple[str, ...]
    max_tokens: int | None
    stream: bool
    include_usage: bool
    wants_json: bool

    @classmethod
    def parse(cls, body: Any) -> Self:
        """Raises RequestRefused for what no server of this format would take."""
        if not isinstance(body, dict):
            raise RequestRefused("The body is not a JSON object.")
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise RequestRefused("messages must be a non-empty list of objects.", param="messages")
        stop = body.get("stop")
        return cls(
            model=str(body.get("model") or MODEL),
            question=next((text_of(m) for m in reversed(messages) if m.get("role") == "user"), ""),
            prompt_tokens=max(1, sum(len(text_of(message).split()) for message in messages)),
            n=_positive(body, "n", most=MAX_CHOICES) or 1,
            stop=tuple(str(text) for text in (stop if isinstance(stop, list) else [stop]) if text),
            max_tokens=_positive(body, "max_completion_tokens") or _positive(body, "max_tokens"),
            stream=bool(body.get("stream")),
            include_usage=bool(_object(body, "stream_options").get("include_usage")),
            wants_json=_object(body, "response_format").get("type") in ("json_object", "json_schema"),
        )


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, whether its content is a string or a list of parts; images count for nothing."""
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise RequestRefused(f"{name} must be an object.", param=name)
    return value or {}


def _positive(body: dict[str, Any], name: str, *, most: int | None = None) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise RequestRefused(f"{name} is out of range.", param=name)
    return value


@dataclass(frozen=True, slots=True)
class Answer:
    """One choice, in words; a word counts as a token. `finish_reason` is stop or length."""

    words: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        return "".join(self.words)


class DemoModel:
    """Turns a chat into OpenAI's bodies; the same question always gets the same answer and the same usage."""

    def text(self, chat: Chat) -> str:
        if chat.wants_json:
            return json.dumps({"demo": True, "note": LABEL, "question": chat.question})
        return f"{LABEL} You asked: {chat.question}" if chat.question else LABEL

    def answer(self, chat: Chat) -> Answer:
        text = self.text(chat)
        for stop in chat.stop:
            text = text.partition(stop)[0]
        words = tuple(WORD.findall(text))
        if chat.max_tokens is not None and len(words) > chat.max_tokens:
            return Answer(words[: chat.max_tokens], "length")
        return Answer(words, "stop")

    def usage(self, chat: Chat, answer: Answer) -> dict[str, Any] | None:
        """Usage as it is reported; None leaves it out."""
        completion_tokens = len(answer.words) * chat.n
        return {
            "prompt_tokens": chat.prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": chat.prompt_tokens + completion_tokens,
        }

    def message(self, answer: Answer) -> dict[str, Any]:
        return {"role": "assistant", "content": answer.text}

    def deltas(self, answer: Answer) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": ""}
        for word in answer.words:
            yield {"content": word}

    def completion(self, chat: Chat) -> dict[str, Any]:
        """The body of a plain answer."""
        answer = self.answer(chat)
        choices = [
            {
                "index": i,
                "message": self.message(answer),
                "logprobs": None,
                "finish_reason": answer.finish_reason,
            }
            for i in range(chat.n)
        ]
        body = _head(chat, "chat.completion") | {"choices": choices}
        usage = self.usage(chat, answer)
        return body if usage is None else body | {"usage": usage}

    def chunks(self, chat: Chat) -> Iterator[dict[str, Any]]:
        """The bodies of a stream's events up to `[DONE]`; the choices take turns."""
        answer = self.answer(chat)
        head = _head(chat, "chat.completion.chunk") | ({"usage": None} if chat.include_usage else {})
        for delta in self.deltas(answer):
            for index in range(chat.n):
                yield head | {"choices": [_choice(index, delta, None)]}
        for index in range(chat.n):
            yield head | {"choices": [_choice(index, {}, answer.finish_reason)]}
        usage = self.usage(chat, answer)
        if chat.include_usage and usage is not None:
            yield head | {"choices": [], "usage": usage}


def _head(chat: Chat, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": chat.model,
        "system_fingerprint": "opscenter-demo-server",
    }


def _choice(index: int, delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def event(body: dict[str, Any]) -> bytes:
    """One server-sent event."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return b"data: " + text.encode(errors="replace") + b"\n\n"


class DemoServer:
    """The HTTP side. `word_delay_s` paces streams, so that they can be watched."""

    def __init__(self, *, word_delay_s: float = 0.0) -> None:
        self.word_delay_s = word_delay_s

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.add_routes(self.routes())
        return application

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/models", self.models), web.post("/v1/chat/completions", self.chat)]

    async def models(self, request: web.Request) -> web.StreamResponse:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "opscenter-demo-server"}
        return web.json_response({"object": "list", "data": [model]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        try:
            chat = Chat.parse(await request.json())
            self.check(chat)
        except ValueError:
            return RequestRefused("The body is not JSON.").response()
        except RequestRefused as refused:
            return refused.response()
        return await (self.stream(request, chat) if chat.stream else self.plain(request, chat))

    def check(self, chat: Chat) -> None:
        if chat.model != MODEL:
            message = f"The demo server has no model but {MODEL!r}."
            raise RequestRefused(message, status=404, param="model", code="model_not_found")

    async def plain(self, request: web.Request, chat: Chat) -> web.StreamResponse:
        return web.json_response(DemoModel().completion(chat))

    async def stream(self, request: web.Request, chat: Chat) -> web.StreamResponse:
        response = web.StreamResponse(headers=STREAM_HEADERS)
        await response.prepare(request)
        for body in DemoModel().chunks(chat):
            await response.write(event(body))
            await asyncio.sleep(self.word_delay_s)
        await response.write(DONE)
        return response


def main() -> None:
    parser = argparse.ArgumentParser(description="Ops-Center's demo model server. It is not a language model.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--word-delay-ms", type=float, default=20)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    url = f"http://{options.host}:{options.port}/v1"
    web.run_app(
        DemoServer(word_delay_s=options.word_delay_ms / 1000).application(),
        host=options.host,
        port=options.port,
        print=lambda _: log.info("Demo model server (not a language model) on %s", url),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=1,
    )


if __name__ == "__main__":
    main()
