"""What is counted of one call, and that no label can grow without bound."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import Counter

from gateway import metrics, telemetry
from gateway.records import time_of
from gateway.rows import AttemptValues, RequestValues
from opscenter.core.ids import uuid7


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing counted, and no name known."""
    made = (metrics.requests, metrics.attempts, metrics.tokens, metrics.charged, metrics.upstream_cost)
    for counter in made:
        counter.clear()
    for name in ("_ended", "_served", "_tried"):
        monkeypatch.setattr(metrics, name, {})
    for name in ("_models", "_deployments"):
        monkeypatch.setattr(metrics, name, metrics._Bounded())
    yield
    for counter in made:
        counter.clear()


def request_row(**fields: Any) -> RequestValues:
    request_id = uuid7()
    usual: dict[str, Any] = {
        "endpoint": "chat/completions",
        "status": "succeeded",
        "http_status": 200,
        "billing_basis": "provider",
    }
    of_one: dict[str, Any] = {"model": "m", "provider": "openai", "attempts": 1}
    return RequestValues(id=request_id, created_at=time_of(request_id), **(usual | of_one | fields))


def attempt_row(**fields: Any) -> AttemptValues:
    request_id = uuid7()
    usual: dict[str, Any] = {
        "target": "Main (d:1)",
        "model": "m",
        "provider": "openai",
        "transport": "relay",
        "outcome": "answered",
    }
    where: dict[str, Any] = {"id": request_id, "created_at": time_of(request_id), "request_id": request_id, "n": 1}
    return AttemptValues(**(where | usual | fields))


def values(counter: Counter, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def test_tokens_credits_and_cost_are_counted_by_model_and_provider() -> None:
    row = request_row(prompt_tokens=10, cached_tokens=4, completion_tokens=3, charged_nano=2_500_000_000)
    tries = [attempt_row(outcome="timeout", cost_usd=Decimal("0.25")), attempt_row(cost_usd=Decimal("0.5"))]
    metrics.count(row, tries)
    metrics.count(row, tries)
    assert values(metrics.requests, "model", "status") == {("m", "succeeded"): 2}
    assert values(metrics.tokens, "kind") == {("prompt",): 20, ("cached",): 8, ("completion",): 6}
    assert values(metrics.charged, "model", "provider") == {("m", "openai"): 5}
    assert values(metrics.upstream_cost, "model", "provider") == {("m", "openai"): 1.5}
    assert values(metrics.attempts, "deployment", "outcome") == {("d:1", "timeout"): 2, ("d:1", "answered"): 2}


def test_a_call_that_reached_nobody_has_no_model() -> None:
    row = request_row(model="", provider="", status="refused", http_status=404, requested_model="made up")
    metrics.count(row, [])
    assert values(metrics.requests, "model", "provider", "http_status") == {("none", "none", "404"): 1}
    assert values(metrics.tokens, "kind") == {}


def test_models_beyond_the_bound_are_counted_together() -> None:
    for number in range(metrics._MOST_NAMES + 50):
        metrics.count(request_row(model=f"m{number}", completion_tokens=1), [attempt_row(target=f"S (d:{number})")])
    by_model = values(metrics.requests, "model")
    assert len(by_model) == metrics._MOST_NAMES + 1
    assert by_model[metrics.OTHER,] == 50
    assert sum(by_model.values()) == metrics._MOST_NAMES + 50
    assert len(values(metrics.attempts, "deployment")) == metrics._MOST_NAMES + 1


@pytest.mark.parametrize(
    ("target", "key"), [("Main (d:12)", "d:12"), ("vLLM (Berlin) (s:3:llama (8b))", "s:3:llama (8b)")]
)
def test_a_deployment_goes_by_the_key_that_its_breaker_has(target: str, key: str) -> None:
    assert metrics.key_of(target) == key


def test_the_line_of_a_call_holds_nothing_that_its_client_sent() -> None:
    sent = "what the client sent"
    row = request_row(
        requested_model=sent,
        component=sent,
        operation=sent,
        routing_path=sent,
        client_request_id=sent,
        environment=sent,
    )
    assert sent not in str(telemetry.line(row))


def test_a_secret_in_a_name_of_the_configuration_is_struck_out_of_the_line() -> None:
    name = "sk-proj-" + uuid4().hex
    assert name not in str(telemetry.line(request_row(model=name)))
