"""The bodies of the management API: how long, and how deep JSON may be nested at all, since stacks end."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser as DeepJSONParser
from rest_framework.renderers import JSONRenderer as PlainJSONRenderer

from opscenter.core.errors import PayloadTooLarge

# Configuration is never as long; as objects it may take fifty times as much.
MOST_BYTES = 1024 * 1024
MOST_LEVELS = 100
TOO_DEEP = f"The body is nested more than {MOST_LEVELS} levels deep."


class JSONParser(DeepJSONParser):
    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Raises ParseError (400), PayloadTooLarge (413)."""
        raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise PayloadTooLarge(f"The request body is larger than {MOST_BYTES} bytes.")
        try:
            body = super().parse(BytesIO(raw), media_type, parser_context)
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
