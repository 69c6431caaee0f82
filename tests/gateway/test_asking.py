"""What is refused of a request body, what is bounded, and what passes through untouched."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counting import message_text
from gateway.endpoints.chat import parse
from gateway.errors import InvalidRequest

_MESSAGES = [{"role": "user", "content": "Hello"}]


def _raw(**fields: Any) -> bytes:
    return json.dumps({"messages": _MESSAGES, **fields}).encode()


def _refused(raw: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        parse(raw)
    assert refusal.value.status == 400
    return refusal.value


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("messages", None),
        ("messages", []),
        ("messages", "Hello"),
        ("messages", ["Hello"]),
        ("messages", [{"role": "user", "content": "Hello"}, None]),
        ("model", 7),
        ("model", ["m1"]),
        ("model", "m" * 501),
        ("stream", "yes"),
        ("stream", 1),
        ("stream_options", []),
        ("stream_options", {"include_usage": True}),
        ("n", 0),
        ("n", -1),
        ("n", 129),
        ("n", 1.5),
        ("n", True),
        ("n", "2"),
        ("max_tokens", 0),
        ("max_tokens", False),
        ("max_tokens", 12.0),
        ("max_tokens", 10**30),
        ("max_completion_tokens", "many"),
        ("max_completion_tokens", -1),
    ],
)
def test_a_refusal_names_its_parameter(param: str, value: object) -> None:
    assert _refused(_raw(**{param: value})).param == param


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"messages"',
        b"7",
        b'{"messages": [{"role": "user", "content": "caf\xe9"}]}',
        '{"messages": [{"role": "user", "content": "Hello"}]}'.encode("utf-16"),
        b'{"messages": [{}], "temperature": NaN}',
        b'{"messages": [{}], "temperature": -Infinity}',
        b'{"messages": [{}], "temperature": 1e999}',
        b'{"messages": [{}], "seed": ' + b"9" * 5000 + b"}",
        b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
    ids=lambda raw: raw[:24],
)
def test_what_is_no_json_object_in_utf_8_is_refused(raw: bytes) -> None:
    assert _refused(raw).code == "invalid_json"


@pytest.mark.parametrize("model", [None, "", "auto"])
def test_no_model_and_auto_mean_the_active_provider(model: str | None) -> None:
    assert parse(_raw(model=model)).model is None


def test_the_lower_of_both_output_limits_applies() -> None:
    assert parse(_raw(max_tokens=50, max_completion_tokens=20)).max_tokens == 20
    assert parse(_raw(max_tokens=50)).max_tokens == 50
    assert parse(_raw(max_tokens=None)).max_tokens is None


def test_usage_is_told_only_to_streams_that_ask_for_it() -> None:
    assert parse(_raw(stream=True, stream_options={"include_usage": True})).include_usage
    assert not parse(_raw(stream=True, stream_options={"include_usage": False})).include_usage
    assert not parse(_raw(stream=True)).include_usage


def test_unknown_fields_survive() -> None:
    fields = {"top_k": 40, "extra": {"deep": [1, None, "x"]}, "logit_bias": {"50256": -100}, "tools": []}

    body = parse(_raw(model="m1", **fields)).body

    assert {name: body[name] for name in fields} == fields


def test_our_tags_are_taken_out_of_metadata_and_the_rest_stays() -> None:
    tags = {"component": "reasoning-agent", "operation": "synthesis", "routing_path": "passthrough"}

    ask = parse(_raw(metadata={**tags, "ticket": "7"}))

    assert ask.tags == tags
    assert ask.body["metadata"] == {"ticket": "7"}


def test_metadata_of_nothing_but_tags_is_not_sent_on() -> None:
    assert "metadata" not in parse(_raw(metadata={"component": "evals"})).body


@pytest.mark.parametrize("metadata", [None, [], "component", 7])
def test_metadata_that_is_no_object_passes_through(metadata: object) -> None:
    ask = parse(_raw(metadata=metadata))

    assert ask.tags == {}
    assert ask.body["metadata"] == metadata


def test_tags_are_cut_and_hold_only_what_a_database_takes() -> None:
    ask = parse(_raw(metadata={"component": "a\0b\ud800" + "c" * 300, "operation": None, "routing_path": 7}))

    assert ask.tags == {"component": "ab" + "c" * 98, "routing_path": "7"}


@given(st.lists(st.text(), min_size=1, max_size=8), st.booleans())
def test_the_input_bound_is_no_less_than_the_bytes_of_the_text(texts: list[str], ascii_only: bool) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    raw = json.dumps({"messages": messages}, ensure_ascii=ascii_only).encode("utf-8", "replace")

    ask = parse(raw)

    # A token of any tokenizer is at least one byte.
    said = sum(len(message_text(message).encode("utf-8", "replace")) for message in ask.body["messages"])
    assert ask.input_bound >= said + len(texts)


def test_tools_count_towards_the_input_bound() -> None:
    tools = [{"type": "function", "function": {"name": "f", "description": "x" * 10_000}}]

    assert parse(_raw(tools=tools)).input_bound > 10_000


def test_images_are_counted_by_the_piece() -> None:
    data = "data:image/png;base64," + "A" * 100_000
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": data}},
        {"type": "image_url", "image_url": {"url": "https://pictures.example/cat.png"}},
    ]

    ask = parse(_raw(messages=[{"role": "user", "content": parts}]))

    assert ask.media == 2
    assert ask.input_bound < 1000


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "source": {"type": "url", "url": "https://pictures.example/cat.png"}},
        {"image_url": "https://pictures.example/cat.png"},
    ],
)
def test_what_a_provider_fetches_is_counted_as_an_image_is(part: dict[str, Any]) -> None:
    said = {"type": "text", "text": "What is this?"}

    assert parse(_raw(messages=[{"role": "user", "content": [said, part]}])).media == 1


@pytest.mark.parametrize(
    "part",
    [
        {"type": "video_url", "video_url": {"url": "https://films.example/long.mp4"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "short.pdf"}},
        {"type": "file", "file": {"file_data": "https://files.example/long.pdf"}},
    ],
)
def test_what_may_be_of_any_length_is_bounded_by_the_models_window_alone(part: dict[str, Any]) -> None:
    ask = parse(_raw(messages=[{"role": "user", "content": [part]}]))

    assert (ask.media, ask.input_bound > 1_000_000) == (0, True)


def test_a_file_that_a_provider_keeps_is_out_of_reach() -> None:
    """It is kept under the operator's key, and might be anybody's."""
    parts = [{"type": "text", "text": "What is this?"}, {"type": "file", "file": {"file_id": "file-1"}}]

    with pytest.raises(InvalidRequest, match="file_data") as refusal:
        parse(_raw(messages=[{"role": "user", "content": parts}]))

    assert (refusal.value.code, refusal.value.param) == ("stored_content", "messages.0.content.file_id")


def test_text_dressed_up_as_an_image_is_counted_by_its_length() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:text/plain," + "A" * 100_000}}]

    assert parse(_raw(messages=[{"role": "user", "content": parts}])).input_bound > 100_000
