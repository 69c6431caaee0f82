"""A request for a message, said as a chat: for every model that isn't asked by Anthropic's own API.

What a chat has no words for is refused with the place where it stands, and never left out, but for what changes no
answer: caches' marks, and the thoughts of earlier turns, which only their own provider can read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.errors import InvalidRequest
from gateway.transports.base import Body
from gateway.transports.json_body import encoded

_SAID_OTHERWISE = frozenset(
    {
        *("messages", "system", "tools", "tool_choice", "stop_sequences", "thinking", "output_config", "metadata"),
        *("max_tokens", "cache_control", "service_tier", "diagnostics"),
    }
)
_CHOICES: Mapping[str, Any] = {"auto": "auto", "any": "required", "none": "none"}
_EFFORTS: Mapping[str, str] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
# Of so many tokens for thoughts, the most first.
_EFFORT_OF_BUDGET = ((16_384, "high"), (4_096, "medium"), (0, "low"))
_THOUGHTS = ("thinking", "redacted_thinking")


def to_chat(body: Body) -> Body:
    """The body of a chat completion without its limit of tokens. Raises InvalidRequest (400)."""
    chat: Body = {name: value for name, value in body.items() if name not in _SAID_OTHERWISE}
    chat["messages"] = [*_system(body.get("system"), "system")]
    for number, message in enumerate(body["messages"]):
        chat["messages"] += _messages(message, f"messages.{number}")
    if tools := body.get("tools"):
        chat["tools"] = [_tool(tool, f"tools.{number}") for number, tool in enumerate(tools)]
    return chat | _choice(body.get("tool_choice")) | _options(body)


def _options(body: Body) -> Body:
    options: Body = {}
    output = body.get("output_config") or {}
    if stops := body.get("stop_sequences"):
        options["stop"] = stops
    if effort := _EFFORTS.get(str(output.get("effort"))) or _effort(body.get("thinking")):
        options["reasoning_effort"] = effort
    if output.get("format"):
        options["response_format"] = _format(output["format"])
    if user := (body.get("metadata") or {}).get("user_id"):
        options["user"] = user
    return options


def _effort(thinking: Any) -> str | None:
    if not thinking or thinking.get("type") != "enabled":
        return None
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < 0:
        raise _inexpressible("thinking.budget_tokens", "no whole number")
    return next(effort for least, effort in _EFFORT_OF_BUDGET if budget >= least)


def _format(wanted: Any) -> Body:
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        raise _inexpressible("output_config.format", "of a kind that this model is not asked for")
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted.get("schema"), "strict": True}}


def _choice(choice: Any) -> Body:
    if not choice:
        return {}
    kind = choice.get("type")
    if kind == "tool":
        chosen: Any = {"type": "function", "function": {"name": choice.get("name")}}
    elif kind in _CHOICES:
        chosen = _CHOICES[kind]
    else:
        raise _inexpressible("tool_choice", "of a kind that this model is not asked for")
    parallel = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    return {"tool_choice": chosen, **parallel}


def _tool(tool: Body, where: str) -> Body:
    if (tool.get("type") or "custom") != "custom":
        raise _inexpressible(where, "a tool that only Anthropic's models know")
    function: Body = {"name": tool.get("name"), "parameters": tool.get("input_schema") or {"type": "object"}}
    function |= {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    return {"type": "function", "function": function}


def _system(content: Any, where: str) -> Iterable[Body]:
    text = content if isinstance(content, str) else _text(content or [], where)
    if text:
        yield {"role": "system", "content": text}


def _messages(message: Body, where: str) -> list[Body]:
    """What a user says after tools ran is several messages: each result is one, and what is said beside them."""
    role, content = message["role"], message["content"]
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    if role == "system":
        return [*_system(content, f"{where}.content")]
    return _SAID_BY[role](content, f"{where}.content")


def _by_user(blocks: list[Body], where: str) -> list[Body]:
    results: list[Body] = []
    parts: list[Body] = []
    for number, block in enumerate(blocks):
        place = f"{where}.{number}"
        if block.get("type") == "tool_result":
            results.append(_result(block, place))
        else:
            parts.append(_part(block, place))
    return [*results, *([{"role": "user", "content": _shortest(parts)}] if parts else [])]


def _by_assistant(blocks: list[Body], where: str) -> list[Body]:
    said: list[str] = []
    calls: list[Body] = []
    for number, block in enumerate(blocks):
        kind = block.get("type")
        if kind == "tool_use":
            arguments = encoded(block.get("input") or {}).decode()
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind not in _THOUGHTS:
            said.append(_text([block], f"{where}.{number}"))
    message: Body = {"role": "assistant", "content": "".join(said) or None}
    return [message | ({"tool_calls": calls} if calls else {})] if said or calls else []


_SAID_BY: Mapping[str, Callable[[list[Body], str], list[Body]]] = {"user": _by_user, "assistant": _by_assistant}


def _result(block: Body, where: str) -> Body:
    """A chat has no mark for what failed, so that it is said."""
    content = block.get("content") or ""
    text = content if isinstance(content, str) else _text(content, f"{where}.content")
    return {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id"),
        "content": f"Error: {text}" if block.get("is_error") else text,
    }


def _part(block: Body, where: str) -> Body:
    if block.get("type") == "image":
        return {"type": "image_url", "image_url": {"url": _image_url(block.get("source"), where)}}
    return {"type": "text", "text": _text([block], where)}


def _image_url(source: Any, where: str) -> str:
    source = source if isinstance(source, dict) else {}
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    if source.get("type") == "url":
        return str(source.get("url"))
    raise _inexpressible(where, "an image that is kept at Anthropic's")


def _shortest(parts: list[Body]) -> str | list[Body]:
    """Servers that know no list of parts take a string."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _text(blocks: Any, where: str) -> str:
    said: list[str] = []
    for block in blocks if isinstance(blocks, list) else [blocks]:
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            kind = str(block.get("type"))[:50] if isinstance(block, dict) else "no content block"
            raise _inexpressible(where, f"{kind}, where this model takes text")
        said.append(block["text"])
    return "\n".join(said)


def _inexpressible(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{where}` can't be passed on to this model: it is {what}. Choose a model of Anthropic's, or leave it out.",
        code="not_supported_by_model",
        param=where,
    )
