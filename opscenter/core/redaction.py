"""Strikes secrets out of text: what looks like one, and every one that this process has been told of."""

import re
from collections.abc import Iterable

STRUCK = "[redacted]"
_SHORTEST_KNOWN = 8

_LOOKS_LIKE_ONE = re.compile(
    r"(?i)"
    r"\b(?:sk|gsk|xai|hf|pk|rk|whsec|key)[-_][A-Za-z0-9_\-]{6,}"
    r"|\bAIza[A-Za-z0-9_\-]{6,}"
    r"|\bops-at-[A-Za-z0-9_\-]{6,}"
    r"|\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=\-]{6,}"
    r"|(?<=://)[^/\s:@\"'<>]*:[^/\s@\"'<>]+(?=@)"
    r"|(?<![A-Za-z])(?:api[-_]?key|authorization|password|passwd|(?:client|access|refresh)[-_](?:secret|token)|secret)"
    r"[\"']?\s*[:=]\s*[\"']?(?!\[)[^\s\"',;&}\])]{8,}"
)

_known: dict[str, tuple[str, ...]] = {}
_longest_first: tuple[str, ...] = ()


def know(source: str, secrets: Iterable[str]) -> None:
    """Strike out `secrets` from now on, in place of those that `source` named before. Short ones, which would be found
    in ordinary words, are passed over.
    """
    global _longest_first  # noqa: PLW0603 - swapped whole: readers are on other threads
    _known[source] = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_KNOWN)
    every = {secret for known in list(_known.values()) for secret in known}
    _longest_first = tuple(sorted(every, key=len, reverse=True))


def redact(text: str) -> str:
    """`text` without known secrets, API keys, bearer tokens and passwords in URLs."""
    for secret in _longest_first:
        if secret in text:
            text = text.replace(secret, STRUCK)
    return _LOOKS_LIKE_ONE.sub(STRUCK, text)
