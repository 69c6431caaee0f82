"""OpenAI's responses of the test upstream: the same answers, and the same faults, in their words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opscenter.demo_server import Chat, event
from tests.upstream.misbehaviour import Misbehaviour
from tests.upstream.model import THOUGHTS, TOOL_ARGUMENTS, TOOL_CALL, UpstreamModel

_ENDS = {"stop": "completed", "length": "incomplete", "tool_calls": "completed"}
_JSON = ("json_object", "json_schema")


def chat_of(body: Any) -> Chat:
    """The request as the model behind it understands it."""
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    said = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    messages = [*said, *({"role": item.get("role"), "content": item.get("content")} for item in items)]
    chat = Chat.parse({**body, "messages": messages, "stream_options": {"include_usage": True}})
    wanted = (body.get("text") or {}).get("format") or {}
    return replace(chat, max_tokens=body.get("max_output_tokens"), wants_json=wanted.get("type") in _JSON)


class Response:
    """One answer."""

    def __init__(self, chat: Chat, misbehaviour: Misbehaviour) -> None:
        self._chat = replace(chat, max_tokens=None) if "ignore-max-tokens" in misbehaviour else chat
        self._model = UpstreamModel(misbehaviour)
        self._misbehaviour = misbehaviour
        self._answer = self._model.answer(self._chat)
        self._status = "in_progress" if "no-finish" in misbehaviour else _ENDS[self._answer.finish_reason]
        self.usage = _in_their_words(self._model.usage(self._chat, self._answer))

    def whole(self) -> dict[str, Any]:
        output = [self._item(number, kind) for number, kind in enumerate(self._kinds())]
        return self._response(self._status, output=output, **({} if self.usage is None else {"usage": self.usage}))

    def frames(self) -> Iterator[bytes]:
        for number, body in enumerate(self._events()):
            yield b"event: %b\n%b" % (body["type"].encode(), event(body | {"sequence_number": number}))

    def _response(self, status: str, **fields: Any) -> dict[str, Any]:
        why = {"reason": "max_output_tokens"} if status == "incomplete" else None
        head = {"id": "resp_1", "object": "response", "created_at": 0, "status": status, "error": None}
        told = {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "store": False}
        return (
            {**head, "incomplete_details": why, "model": self._chat.model, "output": [], "usage": None} | told | fields
        )

    def _kinds(self) -> list[str]:
        thoughts = ["rs"] if "reasoning" in self._misbehaviour else []
        return [*thoughts, "fc" if "tool-calls" in self._misbehaviour else "msg"]

    def _item(self, number: int, kind: str, *, said: bool = True) -> dict[str, Any]:
        item = {"id": f"{kind}_{number}", "status": "completed" if said else "in_progress"}
        if kind == "rs":
            summary = [{"type": "summary_text", "text": "".join(THOUGHTS)}] if said else []
            return item | {"type": "reasoning", "summary": summary, "encrypted_content": "c2VhbGVk"}
        if kind == "fc":
            function = {"name": TOOL_CALL["function"]["name"], "arguments": "".join(TOOL_ARGUMENTS) if said else ""}
            return item | {"type": "function_call", "call_id": TOOL_CALL["id"], **function}
        return item | {"type": "message", "role": "assistant", "content": [_part(self._answer.text)] if said else []}

    def _events(self) -> Iterator[dict[str, Any]]:
        begun = self._response("in_progress")
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for number, kind in enumerate(self._kinds()):
            yield {
                "type": "response.output_item.added",
                "output_index": number,
                "item": self._item(number, kind, said=False),
            }
            yield from ({**said, "item_id": f"{kind}_{number}", "output_index": number} for said in self._said(kind))
            yield {"type": "response.output_item.done", "output_index": number, "item": self._item(number, kind)}
        if "no-done" not in self._misbehaviour:
            yield {"type": f"response.{_ENDS[self._answer.finish_reason]}", "response": self.whole()}

    def _said(self, kind: str) -> Iterator[dict[str, Any]]:
        if kind == "rs":
            yield {
                "type": "response.reasoning_summary_part.added",
                "summary_index": 0,
                "part": _part("", "summary_text"),
            }
            for thought in THOUGHTS:
                yield {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": thought}
        elif kind == "fc":
            for part in TOOL_ARGUMENTS:
                yield {"type": "response.function_call_arguments.delta", "delta": part}
        else:
            yield {"type": "response.content_part.added", "content_index": 0, "part": _part("")}
            for delta in self._model.deltas(self._answer):
                if delta.get("content"):
                    yield {
                        "type": "response.output_text.delta",
                        "content_index": 0,
                        "delta": delta["content"],
                        "logprobs": [],
                    }
            yield {"type": "response.output_text.done", "content_index": 0, "text": self._answer.text, "logprobs": []}


def _part(text: str, kind: str = "output_text") -> dict[str, Any]:
    return {"type": kind, "text": text, **({"annotations": [], "logprobs": []} if kind == "output_text" else {})}


def _in_their_words(usage: Any) -> Any:
    if not isinstance(usage, dict) or not usage:
        return usage
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    told = {name: usage[other] for name, other in names.items()}
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    return told | {"input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 0}}
