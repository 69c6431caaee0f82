"""A client that goes away pays for what it caused, and no more; nothing stays held."""

import json
from collections.abc import Callable
from http.client import HTTPConnection

import httpx
import pytest

from tests.e2e.world import HELLO, NANO_PER_TOKEN, World
from tests.eventually import eventually
from tests.upstream import Upstream

pytestmark = pytest.mark.once

TRANSPORTS = ("relay", "litellm")

Offer = Callable[[str, str, str], str]


@pytest.fixture
def offer(impatient: World, upstream_server_id: int) -> Offer:
    """Put a model of its own into the catalog, for one test."""

    def make(name: str, transport: str, fault: str) -> str:
        model = f"{name}-{transport}"
        deployment = {"server": upstream_server_id, "model": f"fault:{fault}", "transport": transport}
        impatient.offer(model, [deployment])
        impatient.wait_for(model)
        return model

    return make


def leave_stream_after(world: World, model: str, lines: int) -> None:
    body = {"model": model, "messages": HELLO, "max_tokens": 200, "stream": True}
    with (
        httpx.Client(base_url=world.live.url, timeout=60) as client,
        client.stream("POST", "/v1/chat/completions", json=body, headers=world.bearer()) as response,
    ):
        assert response.status_code == 200
        seen = response.iter_lines()
        for _ in range(lines):
            next(seen)


def leave_while_waiting(
    world: World, upstream: Upstream, model: str, *, stream: bool, messages: list[dict[str, str]] = HELLO
) -> None:
    """Only once the upstream was asked: before that, a call that is left costs nothing."""
    body = {"model": model, "messages": messages, "max_tokens": 200, "stream": stream}
    client = HTTPConnection("127.0.0.1", world.live.port)
    client.request("POST", "/v1/chat/completions", json.dumps(body), world.bearer())
    eventually(lambda: upstream.calls, 60)
    client.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_stream_left_midway_is_read_to_its_end_and_charged_by_the_providers_usage(
    impatient: World, offer: Offer, transport: str, upstream: Upstream
) -> None:
    model = offer("left-midway", transport, "chunks:30:0.02")
    leave_stream_after(impatient, model, 4)
    row = impatient.settled_for(model)
    (call,) = upstream.calls.for_model("fault:chunks:30:0.02")
    assert (row["state"], row["status"], row["basis"]) == ("CAPTURED", "disconnected", "provider")
    usage = call.usage
    assert row["charged"] == (usage["prompt_tokens"] + usage["completion_tokens"]) * NANO_PER_TOKEN
    assert call.finished and not call.client_gone


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_stream_left_that_takes_too_long_is_charged_as_counted(
    impatient: World, offer: Offer, transport: str, upstream: Upstream
) -> None:
    model = offer("left-for-long", transport, "chunks:2000:0.05+ignore-max-tokens")
    leave_stream_after(impatient, model, 6)
    row = impatient.settled_for(model)
    assert (row["state"], row["status"], row["basis"]) == ("CAPTURED", "disconnected", "counted")
    assert 0 < row["charged"] == row["journalled"] <= row["held"]
    (call,) = upstream.calls.for_model("fault:chunks:2000:0.05+ignore-max-tokens")
    assert not call.finished


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_left_before_its_answer_is_charged_by_the_providers_usage(
    impatient: World, offer: Offer, transport: str, stream: bool, upstream: Upstream
) -> None:
    model = offer(f"left-early-{stream}", transport, "slow-first-byte:0.5")
    leave_while_waiting(impatient, upstream, model, stream=stream)
    row = impatient.settled_for(model)
    assert (row["state"], row["status"], row["basis"]) == ("CAPTURED", "disconnected", "provider")
    assert row["charged"] == (row["prompt"] + row["completion"]) * NANO_PER_TOKEN > 0


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_left_whose_upstream_never_answers_is_charged_for_its_prompt_as_counted(
    impatient: World, offer: Offer, transport: str, stream: bool, upstream: Upstream
) -> None:
    model = offer(f"left-unanswered-{stream}", transport, "slow-first-byte:60")
    leave_while_waiting(impatient, upstream, model, stream=stream)
    row = impatient.settled_for(model)
    assert (row["state"], row["status"], row["basis"]) == ("CAPTURED", "disconnected", "counted")
    assert 0 < row["charged"] == row["journalled"] <= row["held"]


def test_a_client_that_sent_much_is_missed_as_soon(impatient: World, offer: Offer, upstream: Upstream) -> None:
    """Its body fills the connection's buffer, and nothing is read from a full one, its end neither."""
    model = offer("left-with-much", "relay", "slow-first-byte:60")
    much = [{"role": "user", "content": "word " * 60_000}]
    leave_while_waiting(impatient, upstream, model, stream=False, messages=much)
    row = impatient.settled_for(model)
    assert (row["state"], row["status"], row["basis"]) == ("CAPTURED", "disconnected", "counted")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_fault_after_the_client_left_is_free_all_the_same(impatient: World, offer: Offer, transport: str) -> None:
    model = offer("left-then-broken", transport, "chunks:20:0.05+reset-mid-stream:12")
    leave_stream_after(impatient, model, 4)
    row = impatient.settled_for(model)
    assert (row["state"], row["basis"], row["charged"]) == ("VOIDED", "void", 0)
