"""What every peer is asked, and how a right answer is known: the model server and the load generator share it."""

import json
from collections.abc import Iterator
from typing import Any

MODEL = "bench"
PACED = f"{MODEL}-paced"
"""A model whose chunks come one by one, as a real one makes them."""
TOKENS = 100
PROMPT_TOKENS = 12
MARK = b"plum"
_USAGE = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": TOKENS, "total_tokens": PROMPT_TOKENS + TOKENS}
_CREATED = 1_750_000_000


class WrongAnswer(Exception):
    """A server did not answer with what the model server said; the figures would be worth nothing."""


def request_body(*, model: str, stream: bool) -> bytes:
    """One short question. Streams ask for usage, so that every peer passes on the same chunks."""
    asked: dict[str, Any] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer briefly."},
            {"role": "user", "content": "Count up to a hundred, please."},
        ],
        "max_tokens": 200,
        "temperature": 0.5,
    }
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(asked).encode()


def plain_answer() -> bytes:
    words = "".join(_words())
    message = {"role": "assistant", "content": words}
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": _CREATED,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ).encode()


def stream_events() -> list[bytes]:
    """103 chunks (role, 100 of content, finish, usage), then [DONE]; each a whole server-sent event."""
    chunks = [
        _chunk([_choice({"role": "assistant", "content": ""})]),
        *(_chunk([_choice({"content": word})]) for word in _words()),
        _chunk([_choice({}, finish="stop")]),
        _chunk([], usage=_USAGE),
    ]
    return [b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


def check(body: bytes, *, stream: bool) -> None:
    """Raises WrongAnswer unless all of it came through: every word, the finish, the usage, the end."""
    packed = body.replace(b'": ', b'":')
    wanted = [b'"finish_reason":"stop"', b'"total_tokens":%d' % (PROMPT_TOKENS + TOKENS)]
    if stream:
        wanted.append(b"data: [DONE]")
    missing = [part for part in wanted if part not in packed]
    words = body.count(MARK)
    if missing or words != TOKENS:
        raise WrongAnswer(f"{words} words of {TOKENS}, missing {missing}, in {body[:300]!r} ... {body[-300:]!r}")


def _words() -> Iterator[str]:
    return (f" {MARK.decode()}{n:02}" for n in range(TOKENS))


def _choice(delta: dict[str, str], *, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chunk(choices: list[dict[str, Any]], *, usage: dict[str, int] | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": MODEL,
        "choices": choices,
        "usage": usage,
    }
