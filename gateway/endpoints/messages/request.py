"""How a request for a message is read: what has to be there, what no hold covers, how long it can be."""

from typing import Any

from gateway.ask import FILE_TOKENS, Ask, boolean_in, count_in, model_in, take_tags
from gateway.counting import count_tokens
from gateway.endpoints.messages.blocks import Blocks, texts_of
from gateway.errors import InvalidRequest
from gateway.request_json import json_object
from gateway.transports.base import Body
from gateway.unpriced import refuse_unpriced, unpriced

_TOKENS_PER_MESSAGE = 4
_MESSAGE_ALLOWANCE = 16
# What Anthropic puts before the prompt where there are tools, and what its own ones are described by.
_TOOLS_ALLOWANCE = 1_000
# Who else is billed, what is done to the conversation and billed as well; and, of chat's, what would ask for more.
_UNPRICED = ("user_profile_id", "workspace_id", "context_management", "n", "max_completion_tokens", "stream_options")
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("thinking", "tool_choice", "output_config", "metadata"), ((dict,), "an object")),
    **dict.fromkeys(("tools", "stop_sequences"), ((list,), "a list")),
    "system": ((str, list), "a string or a list"),
}
_ROLES = ("user", "assistant", "system")


def parse(raw: bytes) -> Ask:
    """Read the body of a request for a message. Raises InvalidRequest (400), which names the parameter."""
    body = read(raw)
    max_tokens = count_in(body, "max_tokens")
    if max_tokens is None:
        raise InvalidRequest("`max_tokens` is required: the most tokens that the answer may have.", param="max_tokens")
    blocks = Blocks(body)
    return Ask(
        body=body,
        model=model_in(body),
        stream=boolean_in(body, "stream"),
        include_usage=True,
        choices=1,
        max_tokens=max_tokens,
        input_bound=_input_bound(raw, body, blocks),
        media=blocks.images,
        tags=take_tags(body),
    )


def read(raw: bytes) -> Body:
    """The body, in which every field that is read here has its type. Raises InvalidRequest (400)."""
    body = json_object(raw)
    _check_messages(body.get("messages"))
    for name, (kinds, called) in _KINDS.items():
        if body.get(name) is not None and not isinstance(body[name], kinds):
            raise InvalidRequest(f"`{name}` must be {called}.", param=name)
    _check_lists(body)
    refuse_unpriced(body)
    for name in _UNPRICED:
        if body.get(name):
            raise unpriced(name)
    return body


def count_prompt(body: Body) -> int:
    """About how many tokens its text is, tools and instructions included."""
    texts = list(texts_of(body))
    return _TOKENS_PER_MESSAGE * len(body["messages"]) + count_tokens("\n".join(texts))


def _input_bound(raw: bytes, body: Body, blocks: Blocks) -> int:
    """A token is at least one byte of text, and JSON only makes text longer."""
    bound: int = len(raw) - blocks.image_bytes + _MESSAGE_ALLOWANCE * (len(body["messages"]) + 1)
    return bound + _TOOLS_ALLOWANCE * _tool_sets(body) + FILE_TOKENS * blocks.documents


def _tool_sets(body: Body) -> int:
    """One for all tools that the client describes, and one for each of Anthropic's own."""
    tools = body.get("tools") or ()
    return bool(tools) + sum(1 for tool in tools if (tool.get("type") or "custom") != "custom")


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages or not all(isinstance(item, dict) for item in messages):
        raise InvalidRequest("`messages` must be a list of at least one message object.", param="messages")
    for number, message in enumerate(messages):
        where = f"messages.{number}"
        if message.get("role") not in _ROLES:
            raise InvalidRequest(f"`{where}.role` must be user or assistant.", param=f"{where}.role")
        content = message.get("content")
        if not isinstance(content, str) and not _are_objects(content):
            raise InvalidRequest(
                f"`{where}.content` must be a string or a list of content blocks.", param=f"{where}.content"
            )


def _check_lists(body: Body) -> None:
    for name in ("system", "tools"):
        if isinstance(body.get(name), list) and not _are_objects(body[name]):
            raise InvalidRequest(f"`{name}` must be a list of objects.", param=name)
    if not all(isinstance(text, str) for text in body.get("stop_sequences") or ()):
        raise InvalidRequest("`stop_sequences` must be a list of strings.", param="stop_sequences")


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
