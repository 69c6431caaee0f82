"""docs/gateway.md tells consumers of every endpoint, header and error code that there is, and of none that is not."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.urls import URLResolver, get_resolver

from gateway.views.base import InferenceView
from tests import ROOT

PAGE = (ROOT / "docs" / "gateway.md").read_text()
# Where a call to a model gets its errors and headers from.
SOURCES = [
    *(ROOT / "gateway").rglob("*.py"),
    *(ROOT / "opscenter" / name for name in ("connection.py", "core/errors.py", "core/api.py")),
]
# Told to operators alone, or a parent of others, which is never raised by its own name.
NOT_CONSUMERS = {"user_deactivated", "too_many_groups"}
ABSTRACT = {"conflict", "gone", "unavailable"}
# Raised by the ledger, which the gateway's own modules don't define.
LEDGERS = {"account_frozen", "ledger_unavailable"}
# Said to browsers and proxies about any answer.
OF_EVERY_SITE = {"x-content-type-options", "x-accel-buffering"}
_HEADER = re.compile(
    r"(?:HTTP_)?(?:X[_-][A-Z_-]+[A-Z]|Idempot[A-Z]+[_-][A-Z]+)|Retry-After|WWW-Authenticate", re.IGNORECASE
)


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/gateway.md has no section {title}"
    return found.group(1)


@cache
def trees() -> list[ast.AST]:
    return [ast.parse(path.read_text()) for path in SOURCES]


def codes() -> Iterator[str]:
    """What is given as `code=` or is a class's `default_code`."""
    for tree in trees():
        for node in ast.walk(tree):
            value: ast.expr | None = None
            if (isinstance(node, ast.keyword) and node.arg == "code") or (
                isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "default_code"
            ):
                value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def headers() -> Iterator[str]:
    """Constants that are a header's name, as Django or HTTP spells it."""
    for tree in trees():
        for node in ast.walk(tree):
            value = node.value if isinstance(node, ast.Constant) else None
            text = value.decode("latin1") if isinstance(value, bytes) else value
            if isinstance(text, str) and _HEADER.fullmatch(text):
                yield text.lower().removeprefix("http_").replace("_", "-")


def endpoints(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    """Of those that ask models, by the first of their addresses."""
    for pattern in (resolver or get_resolver("gateway.urls")).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from endpoints(pattern, route)
        elif not route.startswith("api/v1/llm/"):
            view = getattr(pattern.callback, "cls", getattr(pattern.callback, "view_class", None))
            if isinstance(view, type) and issubclass(view, InferenceView):
                yield "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)


def test_every_error_code_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`[^|]*) \| \d", section("Errors"), re.M))))

    there_are = ({*codes()} | LEDGERS) - NOT_CONSUMERS - ABSTRACT - {"client_disconnected"}
    assert len(there_are) > 30
    assert documented == there_are


def test_every_header_is_documented() -> None:
    told = section("Headers").lower()

    found = set(headers()) - OF_EVERY_SITE
    assert len(found) > 8
    assert {name for name in found if f"`{name}`" not in told} == set()


def test_every_endpoint_is_documented() -> None:
    paths = set(endpoints())

    assert len(paths) > 8
    assert {path for path in paths if not re.search(rf"`(?:(?:GET|POST) )?{re.escape(path)}`", PAGE)} == set()


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE))

    assert "MAX_BODY_BYTES" in named
    assert {name for name in named if not hasattr(settings, name)} == set()


def test_what_it_points_at_is_there() -> None:
    titles = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)", PAGE, re.M)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= titles
    for name in re.findall(r"\]\(([\w./-]+\.md)\)", PAGE):
        assert (ROOT / "docs" / name).is_file(), name
