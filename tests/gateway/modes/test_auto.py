"""X-Routing-Mode: auto and passthrough: who chooses, what is held for it, and what happens where nobody can."""

import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from gateway.modes.prompts import READY
from opscenter import checks
from opscenter.core.models import User
from tests.gateway.in_process import InProcess
from tests.gateway.modes.conftest import Ask, rows, said, spent
from tests.gateway.people import key_of
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_MODES = "passthrough or reasoning or auto"


@pytest.fixture(autouse=True)
def classifier(settings: Settings) -> None:
    settings.ROUTING_CLASSIFIER_MODEL = "classifier"


@pytest.mark.parametrize("stream", [False, True])
def test_a_classifier_that_says_so_has_it_reasoned(ask: Ask, upstream: Upstream, stream: bool) -> None:
    upstream.behave("sorter", "says: Reasoning.")
    upstream.behave("test-model", f"says:A thought. {READY}", "says:The answer.")

    answer = ask("auto", stream=stream)

    whole, parts = rows(3)
    assert whole.routing_path == "auto"
    assert [(part.component, part.operation, part.requested_model, part.model) for part in parts] == [
        ("routing-classifier", "auto_routing", "classifier", "classifier"),
        ("reasoning-agent", "step_generation", "m1", "m1"),
        ("reasoning-agent", "synthesis", "m1", "m1"),
    ]
    assert "A thought." in answer.text
    assert "The answer." in (said(answer, "content") if stream else answer.text)
    assert answer.headers["x-ops-model"] == "m1"
    assert sum(part.charged_nano for part in parts) == spent() > 0
    (asked,) = upstream.calls.for_model("sorter")
    assert (asked.body["temperature"], asked.body["max_tokens"]) == (0.0, 16)
    assert asked.body["messages"][-1] == {"role": "user", "content": "Why?"}


@pytest.mark.parametrize("says", ["says:passthrough", "says:reasoning or passthrough", "chunks:3", "tool-calls"])
@pytest.mark.parametrize("stream", [False, True])
def test_anything_else_passes_through(ask: Ask, upstream: Upstream, says: str, stream: bool) -> None:
    upstream.behave("sorter", says)

    answer = ask("auto", stream=stream, metadata={"operation": "mine"})

    assert answer.status_code == 200
    assert "reasoning_content" not in answer.text
    _, parts = rows(2)
    assert [(part.component, part.operation) for part in parts] == [
        ("routing-classifier", "auto_routing"),
        ("passthrough", "mine"),
    ]
    (asked,) = upstream.calls.for_model("test-model")
    assert asked.body["messages"] == [{"role": "user", "content": "Why?"}]
    assert sum(part.charged_nano for part in parts) == spent() > 0


def test_a_classifier_that_fails_costs_nothing_and_stops_nobody(ask: Ask, upstream: Upstream) -> None:
    upstream.behave("sorter", "status-400")

    answer = ask("auto")

    assert answer.status_code == 200
    _, parts = rows(2)
    assert [(part.status, part.charged_nano > 0) for part in parts] == [("failed", False), ("succeeded", True)]
    assert parts[1].charged_nano == spent()


def test_who_may_not_use_the_classifier_is_sorted_by_the_model_that_is_asked(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    narrow = key_of(User.objects.get(username="bob"), allowed_models=["m1"]).plaintext
    serving.sees_changes()
    body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}]}
    sent = {"X-Routing-Mode": "auto"}

    answer = serving.call("POST", "/v1/chat/completions", key=narrow, content=json.dumps(body).encode(), headers=sent)

    assert answer.status_code == 200
    assert [call.model for call in upstream.calls] == ["test-model", "test-model"]


@pytest.mark.parametrize(("body", "component"), [({}, "passthrough"), ({"metadata": {"component": "mine"}}, "mine")])
def test_passthrough_is_an_ordinary_call(ask: Ask, upstream: Upstream, body: dict[str, Any], component: str) -> None:
    assert ask("passthrough", **body).status_code == 200

    whole, _ = rows(0)
    assert (whole.component, whole.routing_path, whole.attempts, whole.model) == (component, "", 1, "m1")
    assert whole.charged_nano == spent() > 0


@pytest.mark.parametrize(
    ("path", "mode", "body", "says"),
    [
        ("/v1/chat/completions", "think", {}, f"`X-Routing-Mode` must be {_MODES}."),
        ("/api/v2/llm/chat/completions", "think", {}, f"`X-Routing-Mode` must be {_MODES}."),
        ("/v1/chat/completions", "reasoning", {"n": 2}, "`n` must be 1 where `X-Routing-Mode` is reasoning."),
        ("/v1/responses", "auto", {"input": "Why?"}, "`X-Routing-Mode` must be passthrough at this endpoint."),
    ],
)
def test_a_mode_that_there_is_not_is_refused(
    serving: InProcess, key: str, path: str, mode: str, body: dict[str, Any], says: str
) -> None:
    asked = {} if "input" in body else {"messages": [{"role": "user", "content": "Why?"}]}
    content = json.dumps({"model": "m1", **asked, **body}).encode()

    answer = serving.call("POST", path, key=key, content=content, headers={"X-Routing-Mode": mode})

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, says)


def test_several_choices_are_not_a_question_for_a_classifier(ask: Ask, upstream: Upstream) -> None:
    assert len(ask("auto", n=2).json()["choices"]) == 2
    assert [call.model for call in upstream.calls] == ["test-model"]


def test_the_second_version_has_the_modes_too(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("test-model", f"says:A thought. {READY}", "says:The answer.")
    body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}], "routing": {"privacy": "any"}}

    answer = serving.call(
        "POST",
        "/api/v2/llm/chat/completions",
        key=key,
        content=json.dumps(body).encode(),
        headers={"X-Routing-Mode": "reasoning"},
    )

    assert answer.json()["choices"][0]["message"]["reasoning_content"] == "A thought."


def test_a_quote_says_what_is_held_for_all_of_the_calls(serving: InProcess, key: str, ask: Ask) -> None:
    body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}]}
    sent = {"X-Routing-Mode": "auto"}

    quoted = serving.call("POST", "/v1/quote", key=key, content=json.dumps(body).encode(), headers=sent).json()
    ask("auto")

    whole, _ = rows(2)
    assert float(quoted["most_credits"]) == pytest.approx(whole.held_nano / 1e9)


@pytest.mark.parametrize(
    ("name", "value"),
    [("REASONING_STEPS", 0), ("REASONING_STEP_TOKENS", 3), ("ROUTING_CLASSIFIER_TEMPERATURE", -1.0)],
)
def test_settings_that_make_no_sense_are_told_of(settings: Settings, name: str, value: float) -> None:
    assert checks.composed_calls_are_bounded() == []
    setattr(settings, name, value)
    assert [found.id for found in checks.composed_calls_are_bounded()] == ["opscenter.E015"]
