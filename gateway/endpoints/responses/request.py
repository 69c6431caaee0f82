"""How a request for a response is read: what has to be there, and how long it can be."""

from typing import Any

from gateway.ask import FILE_TOKENS, Ask, boolean_in, count_in, model_in, take_tags
from gateway.counting import count_tokens
from gateway.endpoints.responses.items import Media, items_of, texts_of
from gateway.endpoints.responses.refusals import refuse
from gateway.errors import InvalidRequest
from gateway.request_json import json_object
from gateway.transports.base import Body

_TOKENS_PER_ITEM = 4
_ITEM_ALLOWANCE = 16
_KINDS: dict[str, tuple[type, ...]] = {
    "instructions": (str,),
    "tools": (list,),
    "tool_choice": (str, dict),
    "text": (dict,),
    "reasoning": (dict,),
    "metadata": (dict,),
    "include": (list,),
    "stream_options": (dict,),
}
_CALLED: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}


def parse(raw: bytes) -> Ask:
    """Read the body of a request for a response. Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    _check(body)
    refuse(body)
    media = Media(body)
    # A token is at least one byte of text, and JSON only makes text longer.
    bound = len(raw) - media.image_bytes + _ITEM_ALLOWANCE * (len(items_of(body)) + 1)
    return Ask(
        body=body,
        model=model_in(body),
        stream=boolean_in(body, "stream"),
        include_usage=True,
        choices=1,
        max_tokens=count_in(body, "max_output_tokens"),
        input_bound=bound + FILE_TOKENS * media.files,
        media=media.images,
        tags=take_tags(body),
    )


def count_prompt(body: Body) -> int:
    """About how many tokens its text is, tools and instructions included."""
    return _TOKENS_PER_ITEM * len(items_of(body)) + count_tokens("\n".join(texts_of(body)))


def _check(body: Body) -> None:
    given = body.get("input")
    if not (isinstance(given, str) or _are_objects(given)) or not given:
        raise InvalidRequest("`input` must be a text or a list of at least one item.", param="input")
    for name, kinds in _KINDS.items():
        if body.get(name) is not None and not isinstance(body[name], kinds):
            raise InvalidRequest(f"`{name}` must be {' or '.join(_CALLED[kind] for kind in kinds)}.", param=name)
    if not _are_objects(body.get("tools") or []):
        raise InvalidRequest("`tools` must be a list of objects.", param="tools")
    for name in ("background", "store"):
        boolean_in(body, name)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
