"""Our own count of tokens, for output whose provider reported none. A bill rests on it only where nothing better is.

Version 1 cuts text where byte-pair tokenizers do and charges long words by their length, other scripts by the letter.
It takes time in proportion to the text, and never grows less as text is added. docs/adr/0004 has its error.
"""

import re
from collections.abc import Iterable
from typing import Any

VERSION = 1

_PIECES = re.compile(
    r"[._('/-]?(?:[A-Z]*[a-zÀ-ɏḀ-ỿ]+|[A-Z]+)"  # a Latin word, or a part of one in CamelCase, with one sign before it
    r"|\d{1,3}"
    r"|[!-/:-@\[-^`{-~\u00a1-\u00bf\u2000-\u206f]{1,4}\n*|_{2,}"  # signs take the line's end with them
    r"|\n+| {2,}|\t+"  # a single space belongs to the word after it
)
_LETTERS_PER_TOKEN = 9
_ACCENTED_LETTERS_PER_TOKEN = 4
_SCRIPTS = tuple(
    (re.compile(f"[{letters}]"), tokens, each)
    for letters, tokens, each in (
        ("\u0370-\u03ff", 9, 20),  # Greek
        ("\u0400-\u052f", 1, 3),  # Cyrillic
        ("\u0590-\u08ff", 2, 5),  # Hebrew, Arabic
        ("\u0900-\u1dff", 4, 9),  # the scripts of India and South East Asia
        ("\u3040-\ud7ff\uf900-\uffef", 3, 4),  # Kana, Han, Hangul
        ("\u0250-\u036f\u1f00-\u1fff\u2070-\u303f\ue000-\uf8ff\ufff0-\U0010ffff", 1, 1),
    )
)
_TOKENS_PER_MESSAGE = 4
_COUNTED_LETTERS = 65_536


def count_tokens(text: str) -> int:
    """About how many tokens `text` is. Of a very long one the beginning is counted and the rest taken to be like it:
    this runs on the event loop, where a megabyte would take a sixth of a second.
    """
    if len(text) > _COUNTED_LETTERS:
        return count_tokens(text[:_COUNTED_LETTERS]) * len(text) // _COUNTED_LETTERS
    total = sum(map(_piece, _PIECES.findall(text)))
    if not text.isascii():
        for letters, tokens, each in _SCRIPTS:
            total += -(-len(letters.findall(text)) * tokens // each)
    return total


def _piece(piece: str) -> int:
    per_token = _LETTERS_PER_TOKEN if piece.isascii() else _ACCENTED_LETTERS_PER_TOKEN
    return 1 + (len(piece) - 1) // per_token


def count_prompt(messages: Iterable[dict[str, Any]]) -> int:
    """About how many tokens a chat's messages are, text alone."""
    texts = [message_text(message) for message in messages]
    return _TOKENS_PER_MESSAGE * len(texts) + count_tokens("\n".join(texts))


def message_text(message: dict[str, Any]) -> str:
    """Everything that a message or a stream's delta says: content, reasoning, refusal, tool calls."""
    parts = [_content_text(message.get("content"))]
    parts += [text for name in _SPOKEN if isinstance(text := message.get(name), str)]
    tool_calls = message.get("tool_calls")
    for call in tool_calls if isinstance(tool_calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            parts += [text for name in ("name", "arguments") if isinstance(text := function.get(name), str)]
    return "".join(parts)


_SPOKEN = ("reasoning_content", "reasoning", "refusal")


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
