"""`check_providers`: what an operator reads at 3 a.m."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.llmconfig.api import OPENAI_SECRET, SERVER_SECRET, Api, chat_on, on_key
from tests.upstream import Upstream, refusing_url

pytestmark = pytest.mark.once


def run(*arguments: str) -> tuple[int, list[str]]:
    """Its exit code, and what it printed."""
    out, code = StringIO(), 0
    try:
        call_command("check_providers", *arguments, stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert SERVER_SECRET not in out.getvalue()
    assert OPENAI_SECRET not in out.getvalue()
    return code, out.getvalue().splitlines()


def named(lines: list[str]) -> dict[str, str]:
    """The outcome of each step for chat."""
    parts = [line.split(maxsplit=2) for line in lines if " chat: " in line]
    return {text.split(":")[0]: outcome for outcome, _, text in parts}


def make_active(alice: Api, upstream: Upstream, settings: Any, *, fallback_url: str = "") -> None:
    settings.PROVIDER_API_BASES = {"openai": fallback_url or upstream.base_url}
    server, key = alice.server(base_url=upstream.origin, api_key=SERVER_SECRET), alice.key()
    alice.model(on_key(key), input_price="1")
    behind = {"fallback_provider_type": "api_key", "fallback_provider_id": key["id"], "fallback_model": "m1"}
    assert alice.post("active", chat_on("ai_server", server, "demo", **behind)).status in (200, 201)


def test_where_all_is_well_every_step_passes(alice: Api, upstream: Upstream, settings: Any) -> None:
    make_active(alice, upstream, settings)

    code, lines = run("--inference")

    assert (code, lines[-1]) == (0, "0 failed, 6 passed")
    assert named(lines) == dict.fromkeys(
        ("active provider", "LiteLLM config", "WilmerRouter config", "health", "fallback", "inference"), "PASSED"
    )
    assert "SKIPPED embeddings: active provider: No active provider for embeddings" in lines
    (call,) = [call for call in upstream.calls if call.method == "POST"]
    assert (call.path, call.model) == ("/v1/chat/completions", "demo")
    assert call.headers["authorization"] == f"Bearer {SERVER_SECRET}"


def test_without_inference_nobody_is_asked_for_any(alice: Api, upstream: Upstream, settings: Any) -> None:
    make_active(alice, upstream, settings)

    code, lines = run()

    assert code == 0
    assert "inference" not in named(lines)
    assert {call.method for call in upstream.calls} == {"GET"}


def test_what_is_wrong_fails_and_the_rest_is_tried_all_the_same(alice: Api, upstream: Upstream, settings: Any) -> None:
    with refusing_url() as nobody:
        make_active(alice, upstream, settings, fallback_url=nobody)
        upstream.behave("/v1/models", "status-401")
        upstream.behave("demo", "status-500")

        code, lines = run("--inference", "--purpose", "chat")

    steps = named(lines)
    assert code == 1
    assert [step for step, outcome in steps.items() if outcome == "FAILED"] == ["health", "fallback", "inference"]
    assert lines[-1] == "3 failed, 3 passed"
    assert any("It answered 401: the API key is refused." in line for line in lines)
    assert any("nothing listens at that address" in line for line in lines)


def test_no_fallback_is_no_failure_and_is_said(alice: Api, upstream: Upstream) -> None:
    alice.post("active", chat_on("ai_server", alice.server(base_url=upstream.origin), "demo"))

    code, lines = run()

    assert code == 0
    assert named(lines)["fallback"] == "SKIPPED"


def test_nobody_active_for_chat_is_a_failure(alice: Api) -> None:
    code, lines = run()

    assert code == 1
    assert lines[0] == "FAILED  chat: active provider: No active provider for chat"
    assert len(named(lines)) == 1


def test_an_active_provider_that_was_disabled_is_a_failure(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    alice.post("active", chat_on("ai_server", server, "demo"))
    alice.patch(f"servers/{server['id']}", {"enabled": False})

    code, lines = run()

    assert code == 1
    assert 'AI server "gpu" is disabled.' in lines[0]
