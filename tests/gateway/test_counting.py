"""Our own count of tokens: steady, linear, and about right beside the tokenizer of current models."""

import importlib.util
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import counting
from gateway.counting import count_prompt, count_tokens, message_text

_LOCALES = Path(django.__file__).parent / "conf" / "locale"


class Tokenizer:
    """OpenAI's current encoding, from the files that LiteLLM brings along."""

    def __init__(self, files: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TIKTOKEN_CACHE_DIR", str(files))
            import tiktoken

            self._encoding = tiktoken.get_encoding("o200k_base")

    def count(self, text: str) -> int:
        return len(self._encoding.encode(text, disallowed_special=()))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    found = importlib.util.find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    return Tokenizer(Path(found.origin).parent / "litellm_core_utils" / "tokenizers")


def _translated(language: str) -> str:
    """Every translation in Django's own catalog of that language."""
    source = (_LOCALES / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    entries = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n)+)', source, re.MULTILINE)
    texts = ["".join(re.findall(r'"(.*)"', entry)) for entry in entries[1:]]
    return "\n".join(text.replace("\\n", "\n").replace('\\"', '"') for text in texts if text)


def _prose() -> str:
    names = ("argparse", "asyncio", "decimal", "email", "logging", "textwrap")
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return "\n\n".join(filter(None, map(inspect.getdoc, values)))


def _python() -> str:
    return "".join(
        inspect.getsource(importlib.import_module(name)) for name in ("argparse", "textwrap", "json.decoder")
    )


def _json() -> str:
    rows = [{"id": n, "name": f"item {n}", "tags": ["red", "blue"], "price_usd": n * 1.25} for n in range(300)]
    return json.dumps(rows, indent=2) + json.dumps(rows)


_KINDS: dict[str, Callable[[], str]] = {
    "English": _prose,
    "Python": _python,
    "JSON": _json,
    "German": lambda: _translated("de"),
    "French": lambda: _translated("fr"),
    "Spanish": lambda: _translated("es"),
    "Russian": lambda: _translated("ru"),
    "Japanese": lambda: _translated("ja"),
    "Chinese": lambda: _translated("zh_Hans"),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_the_count_is_within_a_fifth_of_a_tokenizers(tokenizer: Tokenizer, kind: str) -> None:
    text = _KINDS[kind]()
    assert len(text) > 3000

    assert count_tokens(text) == pytest.approx(tokenizer.count(text), rel=0.2)


def test_the_function_has_a_version() -> None:
    """Other counts under the same number would make old bills unexplainable."""
    sample = "Hello, wörld! def f(x): return x_1 + 2024\n\n  Привет, 世界 🎉"

    assert (counting.VERSION, count_tokens(sample)) == (1, 23)


def test_nothing_is_no_token() -> None:
    assert count_tokens("") == 0
    assert count_prompt([]) == 0


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assert count_tokens(text + more) >= count_tokens(text)


@given(st.text())
def test_there_are_no_more_tokens_than_bytes(text: str) -> None:
    assert count_tokens(text) <= len(text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.text(alphabet="abc XYZ.,12\n", max_size=40), max_size=20))
def test_counting_piece_by_piece_is_about_the_same(pieces: list[str]) -> None:
    together, apart = count_tokens("".join(pieces)), sum(map(count_tokens, pieces))

    assert together - 3 * len(pieces) <= apart <= together + 3 * len(pieces)


@pytest.mark.parametrize("text", ["a", "A", "é", " ", ".", "_", "\n", "7", "世", "🎉", "aB", "._", "\ud800"])
def test_the_longest_answers_are_counted_at_once(text: str) -> None:
    """A megabyte of anything; what took time by the square would take minutes."""
    assert count_tokens(text * (1_000_000 // len(text))) <= 4_000_000


def test_a_prompt_counts_the_text_of_all_its_messages() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url"}]},
        {"role": "assistant", "content": None},
    ]

    said = count_tokens("Be brief.") + count_tokens("What is this?")
    assert count_prompt(messages) == said + 3 * count_prompt([{}])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({}, ""),
        ({"content": None}, ""),
        ({"content": 7}, ""),
        ({"content": "a", "reasoning_content": "b", "refusal": "c"}, "abc"),
        ({"content": [{"text": "a"}, {"text": None}, "b", None]}, "a"),
        ({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}, {}, None]}, "f{}"),
        ({"tool_calls": "none"}, ""),
    ],
)
def test_everything_that_is_said_is_counted(message: dict[str, object], text: str) -> None:
    assert message_text(message) == text
