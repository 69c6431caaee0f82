"""A consumer's request, as far as the gateway itself depends on it, and how the fields of its body are read.

Each endpoint has a parser of its own (gateway/endpoints/); what nobody reads passes through.
"""

from dataclasses import dataclass, field
from typing import Any

from gateway.errors import InvalidRequest

_TAGS = ("component", "operation", "routing_path")
_TAG_LENGTH = 100
# With the name of a provider or server before it; what has no model is told to the client again.
_LONGEST_NAME = 500

FILE_TOKENS = 1_000_000
"""Of a file, for its bound: as much as any model's window takes, since nobody knows how many pages are in one before it
is opened."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`body` is what the client sent less what is ours; `input_bound` is the most tokens its text can be.

    `choices` are the answers that are wanted, each of at most `max_tokens`; 0 where an answer is no text. `media` is
    how many images, films and files are in it or are pointed at. `searches` are what a reranker may bill, as counted
    here, and at most.
    """

    body: dict[str, Any]
    model: str | None
    stream: bool
    include_usage: bool
    choices: int
    max_tokens: int | None
    input_bound: int
    media: int
    searches: int = 0
    most_searches: int = 0
    tags: dict[str, str] = field(default_factory=dict)


def model_in(body: dict[str, Any]) -> str | None:
    """None where the choice is left to the gateway. Raises InvalidRequest (400), as the others do."""
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequest("`model` must be a string.", param="model")
    if model is not None and len(model) > _LONGEST_NAME:
        raise InvalidRequest(f"`model` has more than {_LONGEST_NAME} characters: none is called so.", param="model")
    return None if model in (None, "", "auto") else model


def boolean_in(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"`{name}` must be true or false.", param=name)
    return bool(value)


def count_in(body: dict[str, Any], name: str, *, most: int = 10_000_000) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidRequest(f"`{name}` must be a whole number from 1 to {most}.", param=name)
    return value


def printable(text: str) -> str:
    """`text` as any database takes it: without NUL, lone surrogates and other characters that show nothing."""
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())


def take_tags(body: dict[str, Any]) -> dict[str, str]:
    """Remove our tags from `metadata`; what the client put there besides stays for the provider."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    tags = {name: printable(str(metadata[name]))[:_TAG_LENGTH] for name in _TAGS if metadata.get(name) is not None}
    rest = {name: value for name, value in metadata.items() if name not in _TAGS}
    if rest:
        body["metadata"] = rest
    else:
        del body["metadata"]
    return tags
