"""What can't be asked for here, each with what to do instead.

What a provider keeps of earlier calls is of any length, and belongs to whoever made them by the same key; what it runs
by itself has prices of its own.
"""

from typing import Any

from gateway.endpoints.responses.items import items_of, kind_of, parts_of
from gateway.errors import InvalidRequest
from gateway.kept import points_at_kept
from gateway.transports.base import Body
from gateway.unpriced import refuse_unpriced, refuse_unpriced_cache

_KEPT = {
    "previous_response_id": "Send the whole conversation in `input`, with what was answered before.",
    "conversation": "Send the whole conversation in `input`, with what was answered before.",
    "prompt": "Send its text in `instructions` and `input`.",
    "background": "Leave it out; an answer that takes long can be had with `stream`.",
}
# Beside those of all endpoints: more work than one answer, other models, and chat's own, which would ask for more.
_UNPRICED = ("context_management", "moderation", "n", "max_tokens", "max_completion_tokens", "messages", "functions")
_USUAL_MODES = (None, "standard")
_TOOLS = ("function", "custom")
_CHOICES = (*_TOOLS, "allowed_tools")
_ITEMS = (
    *("message", "reasoning", "function_call", "function_call_output"),
    *("custom_tool_call", "custom_tool_call_output"),
)
_PARTS = (
    *("input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"),
    *("input_image", "input_file", "input_audio"),
)


def refuse(body: Body) -> None:
    """Raises InvalidRequest (400), which names the field; `body` has the types that it must have."""
    for name, remedy in _KEPT.items():
        if body.get(name):
            raise points_at_kept(name, remedy)
    refuse_unpriced({name: value for name, value in body.items() if name not in ("max_output_tokens", "tools")})
    refuse_unpriced_cache(body)
    for name in _UNPRICED:
        if body.get(name):
            raise _unpriced(name, "it changes what a call costs.")
    if (body.get("reasoning") or {}).get("mode") not in _USUAL_MODES:
        raise _unpriced("reasoning.mode", "only `standard` has a price here.")
    _refuse_tools(body)
    for number, item in enumerate(items_of(body)):
        _refuse_item(item, f"input.{number}")


def _refuse_tools(body: Body) -> None:
    choice = body.get("tool_choice")
    for tool in body.get("tools") or ():
        _refuse_kind("tools", tool.get("type"), _TOOLS)
    if isinstance(choice, dict):
        _refuse_kind("tool_choice", choice.get("type"), _CHOICES)


def _refuse_kind(name: str, kind: Any, usual: tuple[str, ...]) -> None:
    if kind not in usual:
        raise _unpriced(
            name,
            f"{_shown(kind)} is run by the provider, at a price of its own. Use tools of the types function and "
            "custom, which you run yourself.",
        )


def _refuse_item(item: Body, where: str) -> None:
    kind = kind_of(item)
    if kind == "item_reference":
        raise points_at_kept(where, "Send the item itself.")
    if kind not in _ITEMS:
        raise _unpriced(where, f"items of the type {_shown(kind)} belong to what a provider runs by itself.")
    for part in parts_of(item):
        if part.get("file_id"):
            raise points_at_kept(f"{where}.file_id", "Send the content as `file_data` or `image_url`, or where it is.")
        if part.get("type") not in _PARTS:
            raise InvalidRequest(f"`{where}` has a part of the unknown type {_shown(part.get('type'))}.", param=where)


def _unpriced(name: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"`{name}` can't be used here like this: {why}", code="unpriced_field", param=name)


def _shown(kind: Any) -> str:
    return f"`{str(kind)[:50]}`"
