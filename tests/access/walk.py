"""The routes that are served, as the URL configuration has them: a new one is there without being listed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from opscenter.core.ids import uuid7

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` as it stands in the URL configuration; `methods` are those that its view has, or all."""

    pattern: str
    methods: tuple[str, ...]

    @property
    def path(self) -> str:
        """An address of it, at which there is no row."""
        filled = re.sub(r"<uuid:\w+>", str(uuid7()), self.pattern)
        filled = re.sub(r"\(\?P<\w+>[^)]*\)", "none", filled.replace("^", "").replace("$", ""))
        return "/" + re.sub(r"<int:\w+>", "987654321", re.sub(r"<(?!int)(\w+:)?\w+>", "none", filled))


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        else:
            yield route, pattern


def view_class(pattern: URLPattern) -> type[Any] | None:
    """None for a view that is a function."""
    found = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
    return found if isinstance(found, type) else None


def all_routes() -> list[Route]:
    """Of the same pattern the first: the others are never reached."""
    found: dict[str, Route] = {}
    for route, pattern in patterns():
        found.setdefault(route, Route(route, _methods(pattern)))
    return list(found.values())


def _methods(pattern: URLPattern) -> tuple[str, ...]:
    view = view_class(pattern)
    return METHODS if view is None else tuple(method for method in METHODS if hasattr(view, method.lower()))
