"""Requests by which a provider would do more, or something dearer, than is held for."""

import json
from typing import Any

import pytest

from gateway.endpoints.chat import parse
from gateway.errors import InvalidRequest


def parsed(fields: dict[str, Any]) -> dict[str, Any]:
    return parse(json.dumps({"messages": [{"role": "user", "content": "Hello"}], **fields}).encode()).body


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("models", ["dearer"]),
        ("plugins", [{"id": "web"}]),
        ("web_search_options", {"search_context_size": "high"}),
        ("search_parameters", {"mode": "on"}),
        # What Ollama, written in Go, would take for our own fields.
        ("Model", "dearer"),
        ("MAX_TOKENS", 100_000),
        ("Max_Completion_Tokens", 100_000),
        ("max_to\u212aens", 100_000),
        ("N", 100),
        ("\u017ftream", True),
        # What LiteLLM would lay over the request that it makes for Gemini.
        ("generationConfig", {"maxOutputTokens": 100_000, "candidateCount": 8}),
        ("generation_config", {"max_output_tokens": 100_000}),
        ("contents", [{"parts": [{"text": "Hello"}]}]),
        ("cachedContent", "cachedContents/1"),
        # Prompts of any length out of a few bytes.
        ("chat_template", "{% for i in range(100000) %}Hello {% endfor %}"),
        ("service_tier", "priority"),
        ("service_tier", "PRIORITY"),
        ("service_tier", ["priority"]),
        ("speed", "fast"),
    ],
)
def test_a_field_that_changes_the_price_is_refused(param: str, value: object) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parsed({param: value})

    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (400, "unpriced_field", param)


@pytest.mark.parametrize("name", ["cache_control", "cache\\u005fcontrol", "\\u0063ache_control"])
@pytest.mark.parametrize(
    "body",
    [
        '{"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello", HERE}]}]}',
        '{"messages": [{"role": "user", "content": "Hello", HERE}]}',
        '{"messages": [{"role": "user", "content": "Hello"}], "tools": [{"function": {"name": "f", HERE}}]}',
        '{"messages": [{"role": "user", "content": "Hello"}], HERE}',
    ],
)
def test_a_cache_for_longer_than_there_is_a_price_for_is_refused(name: str, body: str) -> None:
    control = f'"{name}": {{"type": "ephemeral", "ttl": "%s"}}'

    with pytest.raises(InvalidRequest) as refusal:
        parse(body.replace("HERE", control % "1h").encode())

    assert (refusal.value.code, refusal.value.param) == ("unpriced_field", "cache_control.ttl")
    assert parse(body.replace("HERE", control % "5m").encode()).choices == 1


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_search_preview"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "mcp", "server_url": "https://tools.example"},
        {"type": ["web_search"], "name": "f"},
        {"googleSearch": {}},
        {"type": "function", "google_search": {}},
        {"code_execution": {}},
    ],
)
@pytest.mark.parametrize("param", ["tools", "functions"])
def test_a_tool_that_the_provider_would_run_is_refused(param: str, tool: dict[str, Any]) -> None:
    own = {"type": "function", "function": {"name": "f"}}

    with pytest.raises(InvalidRequest) as refusal:
        parsed({param: [own, tool]})

    assert (refusal.value.code, refusal.value.param) == ("unpriced_field", param)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "m1", "n": 2, "max_tokens": 5, "max_completion_tokens": 5, "stream": False},
        {"models": [], "plugins": None, "options": {}, "service_tier": None},
        {"service_tier": "flex", "tools": None, "functions": []},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        {"tools": [{"function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}]},
        {"tools": [{"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}, "nonsense"]},
        {"functions": [{"name": "f", "parameters": {}}]},
    ],
)
def test_what_is_within_the_price_passes_untouched(fields: dict[str, Any]) -> None:
    assert parsed(fields).items() >= fields.items()
