"""An upstream that tells whoever calls it what key it was given, in every way that a provider could."""

import json
import re

from tests.outbound.listeners import Listener

KINDS = ("message400", "message401", "message422", "message500", "header", "redirect", "chunk", "broken", "reason")
_KEY = re.compile(rb"(?i)^authorization: bearer (\S+)", re.MULTILINE)


class Echoing(Listener):
    """Which way is told by the first part of the path."""

    def answer(self, head: bytes) -> bytes:
        found = _KEY.search(head)
        key = found[1].decode() if found else ""
        kind = head.split(b" ")[1].split(b"/")[1].decode()
        error = json.dumps({"error": {"message": f"The key {key} (Bearer {key}) is bad", "code": key, "param": key}})
        match kind:
            case "header":
                return _http(429, error, f"X-Key: {key}\r\nRetry-After: 1\r\nWWW-Authenticate: Bearer {key}\r\n")
            case "redirect":
                return _http(302, error, f"Location: http://127.0.0.1:1/{key}?api_key={key}\r\n")
            case "chunk":
                return _http(200, f"data: {error}\n\n", content_type="text/event-stream")
            case "broken":
                return _http(200, f'{{"key": "{key}", "choices": [', content_type="application/json")
            case "reason":
                return _http(500, "", reason=f"Bad key {key}")
            case _:
                return _http(int(kind.removeprefix("message")), error)


def _http(
    status: int, body: str, more: str = "", *, content_type: str = "application/json", reason: str = "Said"
) -> bytes:
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n{more}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()
