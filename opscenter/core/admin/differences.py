"""What an entry of the audit log changed, field by field."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.utils.html import format_html

from opscenter.core.models import AuditEntry

_ABSENT = object()


class Difference(NamedTuple):
    """Of one field, or of one key inside a field that is an object: `metadata.rack`."""

    name: str
    before: str
    after: str

    @property
    def marked(self) -> tuple[str, str, str]:
        """As HTML: what was is struck out, what is stands out."""
        return self.name, _marked("del", self.before), _marked("ins", self.after)


def differences(entry: AuditEntry) -> list[Difference]:
    """ "–" where there was or is none."""
    return list(_compared("", entry.before, entry.after))


def text_of(value: Any) -> str:
    if value is None or value is _ABSENT or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _compared(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in {**before, **after}:
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _compared(f"{path}{name}.", *_where_they_differ(old, new))
        else:
            yield Difference(f"{path}{name}", text_of(old), text_of(new))


def _where_they_differ(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {name: value for name, value in old.items() if new.get(name, _ABSENT) != value},
        {name: value for name, value in new.items() if old.get(name, _ABSENT) != value},
    )


def _marked(tag: str, text: str) -> str:
    return text if text == "–" else format_html("<{} class='difference'>{}</{}>", tag, text, tag)
