"""Anthropic's messages of the test upstream: the same answers, and the same faults, in its words."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opscenter.demo_server import Chat, event
from tests.upstream.misbehaviour import Misbehaviour
from tests.upstream.model import THOUGHTS, TOOL_ARGUMENTS, UpstreamModel

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather"}


def chat_of(body: Any) -> Chat:
    """The request as the model behind it understands it."""
    return replace(Chat.parse({**body, "stream_options": {"include_usage": True}}), max_tokens=body.get("max_tokens"))


class Message:
    """One answer."""

    def __init__(self, chat: Chat, misbehaviour: Misbehaviour) -> None:
        self._chat = replace(chat, max_tokens=None) if "ignore-max-tokens" in misbehaviour else chat
        self._model = UpstreamModel(misbehaviour)
        self._misbehaviour = misbehaviour
        self._answer = self._model.answer(self._chat)
        self.usage = _in_its_words(self._model.usage(self._chat, self._answer))

    def whole(self) -> dict[str, Any]:
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self._chat.model,
            "content": [*self._content()],
            **self._stop(),
            **({} if self.usage is None else {"usage": self.usage}),
        }

    def frames(self) -> Iterator[bytes]:
        for body in self._events():
            yield b"event: %b\n%b" % (body["type"].encode(), event(body))

    def _stop(self) -> dict[str, Any]:
        reason = None if "no-finish" in self._misbehaviour else _REASONS[self._answer.finish_reason]
        return {"stop_reason": reason, "stop_sequence": None}

    def _content(self) -> Iterator[dict[str, Any]]:
        if "reasoning" in self._misbehaviour:
            yield {"type": "thinking", "thinking": "".join(THOUGHTS), "signature": "c2lnbmVk"}
        if "tool-calls" in self._misbehaviour:
            yield {**_TOOL_USE, "input": json.loads("".join(TOOL_ARGUMENTS))}
        else:
            yield {"type": "text", "text": self._answer.text}

    def _events(self) -> Iterator[dict[str, Any]]:
        usage = self.usage
        begun = {**usage, "output_tokens": 1} if isinstance(usage, dict) and "output_tokens" in usage else usage
        nothing: dict[str, Any] = {"content": [], "stop_reason": None, "usage": begun}
        yield {"type": "message_start", "message": {**self.whole(), **nothing}}
        yield {"type": "ping"}
        for number, (block, deltas) in enumerate(self._blocks()):
            yield {"type": "content_block_start", "index": number, "content_block": block}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": number, "delta": delta}
            yield {"type": "content_block_stop", "index": number}
        if "no-finish" not in self._misbehaviour:
            # All of the counts where they are told to be wrong; else the input's are in the beginning alone.
            told = (
                usage if "wrong-usage" in self._misbehaviour else {"output_tokens": (usage or {}).get("output_tokens")}
            )
            ended = {"type": "message_delta", "delta": self._stop()}
            yield ended if usage is None else {**ended, "usage": told}
        if "no-done" not in self._misbehaviour:
            yield {"type": "message_stop"}

    def _told_at_the_end(self) -> Any:
        """All of the counts where they are told to be wrong; else the input's are in the beginning alone."""
        is_wrong = "wrong-usage" in self._misbehaviour
        return self.usage if is_wrong else {"output_tokens": self.usage["output_tokens"]}

    def _blocks(self) -> Iterator[tuple[dict[str, Any], Iterator[dict[str, Any]]]]:
        if "reasoning" in self._misbehaviour:
            thoughts = ({"type": "thinking_delta", "thinking": thought} for thought in THOUGHTS)
            signature = {"type": "signature_delta", "signature": "c2lnbmVk"}
            beginning = {"type": "thinking", "thinking": "", "signature": ""}
            yield beginning, itertools.chain(thoughts, (signature,))
        if "tool-calls" in self._misbehaviour:
            parts = ({"type": "input_json_delta", "partial_json": part} for part in TOOL_ARGUMENTS)
            yield {**_TOOL_USE, "input": {}}, parts
            return
        words = (delta["content"] for delta in self._model.deltas(self._answer) if delta.get("content"))
        yield {"type": "text", "text": ""}, ({"type": "text_delta", "text": word} for word in words)


def _in_its_words(usage: Any) -> Any:
    """What was read from a cache is no part of the input."""
    if not isinstance(usage, dict) or not usage:
        return usage
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    prompt, output = usage["prompt_tokens"], usage["completion_tokens"]
    counted = prompt - cached if isinstance(prompt, int) else prompt
    return {"input_tokens": counted, "output_tokens": output, **({"cache_read_input_tokens": cached} if cached else {})}
