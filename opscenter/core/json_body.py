"""The bodies of the management API, and how deep JSON may be nested: whoever walks through it has a stack that ends."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser as DeepJSONParser
from rest_framework.renderers import JSONRenderer as PlainJSONRenderer

MOST_LEVELS = 100
TOO_DEEP = f"The body is nested more than {MOST_LEVELS} levels deep."


class JSONParser(DeepJSONParser):
    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Raises ParseError (400)."""
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(TOO_DEEP) from error
        if is_too_deep(body):
            raise ParseError(TOO_DEEP)
        return body


class _EscapingJSONRenderer(PlainJSONRenderer):
    ensure_ascii = True


class JSONRenderer(PlainJSONRenderer):
    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Halves of surrogate pairs, which complaints may repeat, are nothing in UTF-8: then all is escaped."""
        try:
            return super().render(data, *args, **kwargs)
        except UnicodeEncodeError:
            return _EscapingJSONRenderer().render(data, *args, **kwargs)


def is_too_deep(body: Any) -> bool:
    level = [body] if type(body) in (dict, list) else []
    for _ in range(MOST_LEVELS):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in (dict, list)
        ]
        if not level:
            return False
    return True
