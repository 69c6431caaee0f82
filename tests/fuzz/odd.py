"""Requests that no description has: bytes that are no text, numbers without end, headers of nobody's making.

Each is what an operation allows for with one thing made odd, so that what comes after a first check is reached.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote

from tests.fuzz.cases import Request

Oddity = Callable[[Request, Random], Request | None]
"""The request made odd; None where it has nothing that could be."""

HUGE = 10**30
# As JSON, and as what stands in an address.
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 2**31, 2**63, HUGE, -HUGE, 1e308, 0.1, "", " ", "\x00", "a\x00b", "\ud800", "x" * 70_000),
    *(
        "9999-99-99",
        "0001-01-01",
        "9999-12-31T23:59:59+23:59",
        "NaN",
        "1e400",
        "٣",
        "../..",
        "%00",
        "a\r\nb: c",
        "\u202e",
    ),
    *([], {}, [[]], {"": {}}, [None] * 300, {"$ref": "#"}, ["\x00"], {"\x00": 1}, {"\ud800": "\ud800"}),
)
# What is no JSON, or none that anybody would write.
BODIES = (
    *(
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"{",
        b"{}{}",
        b"\x00",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b"{'a':1}",
    ),
    *(b"[" * 100_000, b'{"a":' * 3000 + b"1" + b"}" * 3000, b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e400}'),
    *("{}".encode("utf-16"), json.dumps({"a": "b"}).encode("utf-32"), b"a=1&b=2", b"\n" * 1000),
)
TYPES = (
    *("", "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", ";", "x" * 3000),
    *("multipart/form-data; boundary=x", 'multipart/form-data; boundary="\xe9"', "application/json; charset=nope"),
    *("application/json; charset=utf-16", "application/json;;;", "APPLICATION/JSON", "application/json, text/plain"),
)
HEADERS = {
    "If-Match": ('"', '""', 'W/"x"', "*", "*, *", ",,,", '"a" "b"', "\xff", "x" * 6000),
    "Accept": ("text/html", "application/xml", "*/*;q=x", ";;;", "", "application/json; indent=9999", "\xff/\xff"),
    "Idempotency-Key": ("", " ", "x" * 6000, "\xe9", "a b", "\x7f", "'"),
    "X-Request-ID": ("", "\xff", "x" * 6000, "%0d%0a", "\t"),
    "X-Component": ("\xff\xfe", "x" * 6000, "\x1b[31m", "{}"),
    "X-Power-Level": ("\xff", "x" * 6000, "eco, precision", ""),
    "X-Max-Cost": ("\xff", "NaN", "-1", "1e999", "9" * 6000, "Infinity", "0x1", "", "1_0", "٣"),
    "Accept-Language": ("\xff", "x" * 6000, ",;q=", "de;q=nope"),
    "Host": ("", "a b", "[::1", "localhost:99999", "\xff", "evil.example"),
    "Content-Encoding": ("gzip", "br", "\xff"),
    "Range": ("bytes=0-1", "bytes=-", "items=9-1"),
    "Cookie": ("sessionid=\xff", "sessionid=" + "x" * 6000, ";;;=", "csrftoken=x; sessionid=a\x01"),
    "X-Forwarded-For": ("\xff", "1.1.1.1, " * 500, "[::1]:http"),
    "X-Forwarded-Proto": ("gopher", "\xff"),
    "Origin": ("null", "http://evil.example", "\xff"),
}
# As pages of other lists end, or nearly.
ENDS = r"""["\ud800"] ["a"] [1] [NaN] [] ["2026-01-01"] ["0001-01-01","x"] ["\ud800",1] [null] [["a"]] [1e400] {}
    1|2 0 -1 p=2026-01-01 p=1e400 p=x o=-1 o=99999999999999999999&p=1 r=1&p=2026-01-01T00:00:00+00:00 r=1&p=%ff"""
CURSORS = ("!", "é", *(base64.urlsafe_b64encode(end.encode()).decode().rstrip("=") for end in ENDS.split()))
METHODS = ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "CONNECT")


def odd_requests(usual: Request, *, number: int, chance: Random) -> Iterator[Request]:
    """Up to `number`."""
    for oddity in chance.choices(ODDITIES, k=number):
        made = oddity(usual, chance)
        if made is not None:
            yield made


def _value_of_a_field(usual: Request, chance: Random) -> Request | None:
    body = _object(usual)
    if body is None:
        return None
    name = chance.choice(sorted(body)) if body else "name"
    return _with_body(usual, {**body, name: chance.choice(VALUES)})


def _value_somewhere_inside(usual: Request, chance: Random) -> Request | None:
    body = _object(usual)
    places = list(_places(body)) if body else []
    if not places:
        return None
    holder, place = chance.choice(places)
    holder[place] = chance.choice(VALUES)
    return _with_body(usual, body)


def _field_twice(usual: Request, chance: Random) -> Request | None:
    body = _object(usual)
    if not body:
        return None
    name = chance.choice(sorted(body))
    again = json.dumps({name: chance.choice(VALUES)})
    return replace(usual, content=usual.content.rstrip()[:-1] + b"," + again[1:].encode())


def _body(usual: Request, chance: Random) -> Request | None:
    return replace(usual, content=chance.choice(BODIES)) if usual.content else None


def _not_a_number(usual: Request, chance: Random) -> Request | None:
    body = _object(usual)
    if not body:
        return None
    written = json.dumps({**body, chance.choice(sorted(body)): float(chance.choice(["nan", "inf", "-inf"]))})
    return replace(usual, content=written.encode())


def _type(usual: Request, chance: Random) -> Request:
    return replace(usual, headers={**usual.headers, "Content-Type": _bytes(chance.choice(TYPES))})


def _header(usual: Request, chance: Random) -> Request:
    name = chance.choice(sorted(HEADERS))
    return replace(usual, headers={**usual.headers, name: _bytes(chance.choice(HEADERS[name]))})


def _parameter(usual: Request, chance: Random) -> Request:
    assert usual.case is not None
    declared = [parameter.name for parameter in usual.case.operation.query]
    name = chance.choice([*declared, "page", "page_size", "cursor", "mine", "format", "user", "\x00"])
    value = chance.choice(CURSORS if name == "cursor" else [value for value in VALUES if value != "\ud800"])
    return replace(usual, query={**usual.query, name: value if isinstance(value, str) else json.dumps(value)})


def _bytes_in_the_address(usual: Request, chance: Random) -> Request:
    odd = chance.choice(
        ["?%ff=%fe", "?page=%ff", "?a=1&a=2&&&=", "?" + "a=1&" * 2000, "/", "//", "%00", "%2f..%2f", "?;"]
    )
    is_elsewhere = not odd.startswith("?")
    return replace(usual, url=usual.url + odd, query={}, case=None if is_elsewhere else usual.case)


def _part_of_the_path(usual: Request, chance: Random) -> Request | None:
    assert usual.case is not None
    named = usual.case.path_parameters
    if not named:
        return None
    odd = chance.choice(
        ["0", "-1", str(HUGE), str(2**63), "%00", "%ff", "..", "%F0%9F%92%A9", "x" * 3000, "1.0", "٣", "a%0d%0ab"]
    )
    parts = usual.case.path
    for name in named:
        parts = parts.replace("{" + name + "}", quote(odd, safe="%"))
    # Clients take a step up themselves, to another operation.
    return replace(usual, url=f"http://localhost{parts}", case=None if odd == ".." else usual.case)


def _method(usual: Request, chance: Random) -> Request:
    return replace(usual, method=chance.choice(METHODS), case=None)


ODDITIES: tuple[Oddity, ...] = (
    *(_value_of_a_field, _value_of_a_field, _value_somewhere_inside, _value_somewhere_inside, _field_twice, _body),
    *(
        _not_a_number,
        _type,
        _header,
        _header,
        _parameter,
        _parameter,
        _bytes_in_the_address,
        _part_of_the_path,
        _method,
    ),
)


def _object(usual: Request) -> dict[str, Any] | None:
    try:
        body = json.loads(usual.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key or index) at any depth."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])


def _with_body(usual: Request, body: Any) -> Request:
    return replace(usual, content=json.dumps(body).encode())


def _bytes(text: str) -> bytes:
    """As a client sends it that heeds nothing."""
    return text.encode("latin1", "ignore")
