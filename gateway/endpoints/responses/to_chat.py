"""A request for a response, said as a chat: for every model that isn't asked by OpenAI's own API.

What a chat has no words for is refused with the place where it stands, and never left out, but for what changes no
answer: hints for caches, and the thoughts of earlier turns, which only their own provider can read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.endpoints.responses.items import items_of, kind_of
from gateway.errors import InvalidRequest
from gateway.transports.base import Body

_SAID_OTHERWISE = frozenset(
    {
        *("input", "instructions", "tools", "tool_choice", "text", "reasoning", "metadata", "max_output_tokens"),
        *("include", "max_tool_calls", "store", "background", "previous_response_id", "conversation", "prompt"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "truncation"),
        *("stream_options", "top_logprobs", "context_management", "moderation"),
    }
)
_LOGPROBS = "message.output_text.logprobs"
# Instructions of developers go by the older name, which all servers know.
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
_DETAILS = ("low", "high", "auto")


def to_chat(body: Body) -> Body:
    """The body of a chat completion without its limit of tokens. Raises InvalidRequest (400)."""
    chat: Body = {name: value for name, value in body.items() if name not in _SAID_OTHERWISE and value is not None}
    if body.get("top_logprobs") or _LOGPROBS in (body.get("include") or ()):
        raise _inexpressible("top_logprobs", "only known to OpenAI's own models")
    system = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    chat["messages"] = [*system, *_messages(items_of(body))]
    return chat | _tools(body) | _options(body)


def _options(body: Body) -> Body:
    text = body.get("text") or {}
    options = {
        "reasoning_effort": (body.get("reasoning") or {}).get("effort"),
        "verbosity": text.get("verbosity"),
        "response_format": _format(text.get("format")),
    }
    return {name: value for name, value in options.items() if value is not None}


def _format(wanted: Any) -> Body | None:
    kind = wanted.get("type") if isinstance(wanted, dict) else wanted
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return {"type": kind}
    if kind != "json_schema" or not isinstance(wanted, dict):
        raise _inexpressible("text.format", "of a kind that this model is not asked for")
    return {"type": kind, "json_schema": {name: value for name, value in wanted.items() if name != "type"}}


def _tools(body: Body) -> Body:
    """Which of them may be used is said by leaving out the others."""
    choice, tools = body.get("tool_choice"), body.get("tools") or []
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        wanted = choice.get("tools")
        allowed = [tool.get("name") for tool in (wanted if isinstance(wanted, list) else ()) if isinstance(tool, dict)]
        tools = [tool for tool in tools if tool.get("name") in allowed]
        choice = choice.get("mode") if tools else None
    elif isinstance(choice, dict):
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    said: Body = {"tools": [_tool(tool, f"tools.{number}") for number, tool in enumerate(tools)]} if tools else {}
    return said if choice is None else {**said, "tool_choice": choice}


def _tool(tool: Body, where: str) -> Body:
    if tool.get("type") != "function":
        raise _inexpressible(where, "a tool without a schema, which only OpenAI's own models know")
    function: Body = {"name": tool.get("name"), "parameters": tool.get("parameters") or {"type": "object"}}
    function |= {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    return {"type": "function", "function": function}


def _messages(items: list[Body]) -> list[Body]:
    """What an assistant says and which functions it calls then is one message."""
    messages: list[Body] = []
    for number, item in enumerate(items):
        kind = kind_of(item)
        if kind == "reasoning":
            continue
        say = _SAID_BY.get(kind)
        if say is None:
            raise _inexpressible(f"input.{number}", f"a {kind}, which only OpenAI's own models know")
        message = say(item, f"input.{number}")
        if "tool_calls" in message and messages and messages[-1]["role"] == "assistant":
            messages[-1].setdefault("tool_calls", []).extend(message["tool_calls"])
        else:
            messages.append(message)
    return messages


def _message(item: Body, where: str) -> Body:
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise InvalidRequest(f"`{where}.role` must be user, assistant, system or developer.", param=f"{where}.role")
    content = item.get("content")
    if isinstance(content, str):
        return {"role": role, "content": content}
    if not isinstance(content, list):
        raise InvalidRequest(f"`{where}.content` must be a text or a list of parts.", param=f"{where}.content")
    if role != "user":
        return {"role": role, "content": _text(content, f"{where}.content")}
    return {"role": role, "content": _shortest([_part(part, f"{where}.content") for part in content])}


def _call(item: Body, where: str) -> Body:
    function = {"name": item.get("name"), "arguments": item.get("arguments") or ""}
    call = {"id": item.get("call_id"), "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _output(item: Body, where: str) -> Body:
    output = item.get("output")
    text = output if isinstance(output, str) else _text(output, f"{where}.output")
    return {"role": "tool", "tool_call_id": item.get("call_id"), "content": text}


_SAID_BY: Mapping[Any, Callable[[Body, str], Body]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
}


def _part(part: Any, where: str) -> Body:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") in _DETAILS else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_file" and part.get("file_data"):
        return {"type": "file", "file": {name: part[name] for name in ("file_data", "filename") if part.get(name)}}
    if kind == "input_audio":
        return {"type": "input_audio", "input_audio": part.get("input_audio")}
    return {"type": "text", "text": _text([part], where)}


def _shortest(parts: list[Body]) -> str | list[Body]:
    """Servers that know no list of parts take a text."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _text(parts: Any, where: str) -> str:
    said: list[str] = []
    for part in parts if isinstance(parts, list) else [parts]:
        name = _TEXTS.get(str(part.get("type"))) if isinstance(part, dict) else None
        if name is None or not isinstance(part.get(name), str):
            kind = str(part.get("type"))[:50] if isinstance(part, dict) else "no part"
            raise _inexpressible(where, f"{kind}, where this model takes text")
        said.append(part[name])
    return "\n".join(said)


def _inexpressible(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"`{where}` can't be passed on to this model: it is {what}. Choose a model of OpenAI's, or leave it out.",
        code="not_supported_by_model",
        param=where,
    )
