"""A chunk is read with a few typed fields; whatever it looks like, that says the same as reading it whole."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counting import message_text
from gateway.transports.chunk import Chunk, received, translated
from gateway.transports.errors import UpstreamBroken

_TEXT = st.text(max_size=8)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_CALL = st.fixed_dictionaries(
    {}, optional={"function": st.fixed_dictionaries({}, optional={"name": _TEXT, "arguments": _TEXT})}
)
_DELTA = st.fixed_dictionaries(
    {},
    optional={
        "role": _TEXT,
        "content": _TEXT | st.none() | st.lists(st.fixed_dictionaries({"text": _TEXT})) | _ANY,
        "reasoning_content": _TEXT | st.none(),
        "reasoning": _TEXT | _ANY,
        "refusal": _TEXT | st.none(),
        "tool_calls": st.none() | st.lists(_CALL, max_size=2) | _ANY,
    },
)
_CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "index": st.integers(0, 3) | st.just(0.0) | _TEXT,
        "delta": _DELTA | st.none(),
        "finish_reason": st.none() | st.sampled_from(["stop", "", "length"]) | st.booleans(),
        "logprobs": _ANY,
    },
)
_BODY = st.fixed_dictionaries(
    {},
    optional={
        "id": _TEXT,
        "model": _TEXT | _ANY,
        "choices": st.none() | st.lists(_CHOICE, max_size=3),
        "usage": st.none() | _ANY,
        "error": st.none() | _ANY,
        "extra": _ANY,
    },
)


def _facts(body: dict[str, Any]) -> list[object]:
    """What the pipeline goes by, read from the whole JSON."""
    choices = [
        (
            choice.get("index", 0),
            message_text(choice["delta"]) if isinstance(choice.get("delta"), dict) else "",
            bool(choice.get("finish_reason")),
        )
        for choice in body.get("choices") or []
    ]
    return [choices, body.get("usage") or None, bool(body.get("error"))]


def _said(chunk: Chunk) -> list[object]:
    said = chunk.said
    choices = [
        (choice.index, choice.delta.text() if choice.delta else "", bool(choice.finish_reason))
        for choice in said.choices or []
    ]
    return [choices, said.usage or None, bool(said.error)]


@given(body=_BODY, ascii_only=st.booleans())
def test_the_typed_reading_says_what_the_whole_says(body: dict[str, Any], ascii_only: bool) -> None:
    raw = json.dumps(body, ensure_ascii=ascii_only).encode()

    chunk = received(raw)

    assert _said(chunk) == _said(translated(body)) == _facts(body)
    assert chunk.body == body
    if isinstance(body.get("model"), str):
        assert chunk.model == body["model"]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"1",
        b"{} {}",
        b'{"choices":[],}',
        b'{"x":"\xff"}',
        b'{"\xff":1}',
        b'{"x":"\\q"}',
        b'{"x":"a\x01"}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_broken_anywhere_is_broken(raw: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        received(raw)


def test_half_a_surrogate_in_a_text_is_let_through() -> None:
    raw = rb'{"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}'
    said = received(raw).said
    assert said.choices
    assert said.choices[0].delta
    assert said.choices[0].delta.text() == "\ud83d"
