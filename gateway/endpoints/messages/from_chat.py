"""A chat's answer, said as a message."""

from collections.abc import Iterable
from typing import Any

from gateway.endpoints import chat_said
from gateway.endpoints.chat_said import calls_in, function_in, thoughts_in
from gateway.transports.base import Body
from gateway.transports.errors import UpstreamBroken
from gateway.transports.json_body import decoded

_REASONS = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def content_of(message: Body, *, ids: str) -> list[Body]:
    """Its blocks: thoughts, text, uses of tools. A tool's use without an id is named after `ids`."""
    blocks: list[Body] = []
    if thoughts := thoughts_in(message):
        # Nobody but Anthropic signs them.
        blocks.append({"type": "thinking", "thinking": thoughts, "signature": ""})
    if text := text_in(message):
        blocks.append({"type": "text", "text": text})
    blocks += [_tool_use(call, f"{ids}_{number}") for number, call in enumerate(calls_in(message))]
    return blocks


def stop_of(choice: Body, *, stops: Iterable[str], used_tool: bool) -> Body:
    """Why it ended. Some servers tell which of the texts to stop at they came upon."""
    found = choice.get("stop_reason")
    if isinstance(found, str) and found in stops:
        return {"stop_reason": "stop_sequence", "stop_sequence": found}
    reason = _REASONS.get(str(choice.get("finish_reason")), "tool_use" if used_tool else "end_turn")
    return {"stop_reason": reason, "stop_sequence": None}


def text_in(message: Body) -> str:
    """What it says to the user; that it declines to is text like any other."""
    return chat_said.text_in(message) + chat_said.refusal_in(message)


def _tool_use(call: Body, other_id: str) -> Body:
    name, arguments = function_in(call)
    return {"type": "tool_use", "id": str(call.get("id") or other_id), "name": name, "input": _input(arguments)}


def _input(arguments: str) -> Any:
    """An object in any case: what the model wrote, where that is none, stands in it as it is."""
    try:
        value = decoded(arguments.encode(errors="replace")) if arguments else {}
    except UpstreamBroken:
        return {"arguments": arguments}
    return value if isinstance(value, dict) else {"arguments": value}
