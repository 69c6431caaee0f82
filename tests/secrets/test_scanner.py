"""The scanner finds what it is there to find; otherwise its silence would mean nothing."""

import base64
import html
import json
from secrets import token_hex, token_urlsafe
from urllib.parse import quote

import pytest

from opscenter.core.secrets import mask
from tests.secrets.scanner import Scanner

pytestmark = pytest.mark.once

SECRET = f"sk-{token_urlsafe(24)}/+&<'\"{token_urlsafe(8)}"
NOISE = token_hex(2_000)
SCANNER = Scanner({"canary": SECRET, "another": token_urlsafe(32)})


@pytest.mark.parametrize(
    "planted",
    [
        SECRET,
        SECRET[7:19],
        quote(SECRET, safe=""),
        html.escape(SECRET),
        json.dumps({"key": SECRET}),
        repr([SECRET]),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"a{SECRET}".encode()).decode(),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"ab{SECRET}".encode()).decode(),
    ],
    ids=[
        *("plain", "slice", "percent", "html", "json", "repr", "hex", "upper-hex"),
        *("base64", "base64-shifted-by-1", "base64-shifted-by-5", "base64-for-urls"),
    ],
)
def test_a_planted_secret_is_found_however_it_is_spelled(planted: str) -> None:
    assert SCANNER.leaks(NOISE + planted + NOISE) == {"canary"}


def test_one_across_two_pieces_is_found() -> None:
    assert SCANNER.leaks(b"." * (1_000_000 - 6) + SECRET[:12].encode()) == {"canary"}


def test_the_mask_is_no_leak() -> None:
    assert SCANNER.leaks(NOISE + mask(SECRET) + NOISE) == set()
