"""The items of LiteLLM's inner streams as chunks in OpenAI's format.

The inner stream is read, and not the wrapper around it, because the wrapper invents what a provider did not send: a
finish reason at a bare end, usage that it counts with a tokenizer, one finish for all of several choices.
"""

import json
from collections.abc import Mapping
from types import MethodType
from typing import Any

from gateway.transports.base import Body


def is_as_sent(item: Any) -> bool:
    """The OpenAI SDK keeps what it receives; LiteLLM's own items are translations."""
    return type(item).__module__.startswith("openai.")


def body_of(item: Any) -> Body | None:
    """None for what says nothing. Items come as the OpenAI SDK's chunks, LiteLLM's, or LiteLLM's generic mapping."""
    if isinstance(item, Mapping):
        return _of_generic(item)
    if is_as_sent(item):
        body: Body = item.model_dump(exclude_unset=True, warnings=False)
        return body
    body = item.model_dump(exclude_none=True, warnings=False)
    for choice in body.get("choices", ()):
        choice.setdefault("finish_reason", None)
        choice.setdefault("delta", {})
    return body if body.get("usage") or any(map(_says_something, body.get("choices", ()))) else None


def _says_something(choice: Body) -> bool:
    return bool(choice["finish_reason"] or any(value not in (None, "", []) for value in choice["delta"].values()))


def _of_generic(item: Mapping[str, Any]) -> Body | None:
    text, tool, usage = item.get("text"), item.get("tool_use"), item.get("usage")
    reason = item.get("finish_reason") if item.get("is_finished") else None
    if not (text or tool or usage or reason):
        return None
    delta: Body = {"content": text} if text else {}
    if tool:
        delta["tool_calls"] = [dict(tool)]
    choice = {"index": item.get("index") or 0, "delta": delta, "finish_reason": reason or None}
    return {"object": "chat.completion.chunk", "choices": [choice], "usage": dict(usage) if usage else None}


def mend(source: Any) -> None:
    """LiteLLM's line iterator takes any line with "[DONE]" in it, even in the text, for the end, and hides garbage."""
    from litellm.llms.base_llm.base_model_iterator import (  # noqa: PLC0415 - loaded late, by the engine
        BaseModelResponseIterator as Lines,
    )

    if isinstance(source, Lines) and type(source)._handle_string_chunk is Lines._handle_string_chunk:
        source._handle_string_chunk = MethodType(_strict_line, source)  # type: ignore[method-assign]


def _strict_line(source: Any, str_line: str) -> Any:
    payload = str_line.removeprefix("data:").strip()
    if payload == "[DONE]":
        raise StopAsyncIteration
    if not payload or str_line.startswith((":", "event:", "id:", "retry:")):
        return {}
    return source.chunk_parser(chunk=json.loads(payload))
