"""Every ending of a call, plain and streamed, over both transports: what the client sees and what it pays."""

from typing import Any

import pytest

from tests.e2e.world import NANO_PER_TOKEN, World
from tests.upstream import Upstream

pytestmark = pytest.mark.once

TRANSPORTS = ("relay", "litellm")
SLOW = "slow-first-byte:5"
SHORT_S, LONG_S = 1, 10
BEFORE_THE_FIRST_BYTE = {
    "status-500": 502,
    "status-503": 502,
    "status-429:1": 429,
    "status-401": 502,
    "status-402": 502,
    "status-403": 502,
    "status-404": 502,
    "redirect": 502,
    "reset-before-first-byte": 502,
    "close-before-first-byte": 502,
    SLOW: 504,
}
PLAIN_ONLY = {"garbage-json": 502, "reset-mid-stream": 502, "half-close-mid-stream": 502}
# Each strikes once the client has seen the beginning, however the reads fall.
GATE = "gate+"
MID_STREAM = (
    f"{GATE}stall-mid-stream",
    f"{GATE}reset-mid-stream",
    f"{GATE}half-close-mid-stream",
    f"{GATE}eof-mid-stream",
    f"{GATE}garbage-sse",
    f"{GATE}non-utf8",
    f"{GATE}huge-line:3:9000000",
    f"{GATE}error-event",
    "no-done",
    "no-finish",
)
NO_USABLE_USAGE = ("no-usage", "wrong-usage:negative", "wrong-usage:strings", "wrong-usage:empty")
FINE = ("ok", "chunks:40", "crlf", "comments", "fragmented", "usage-on-each-chunk", "usage:100:50")


def name_of(transport: str, fault: str) -> str:
    return f"{transport}-{fault.replace(':', '-')}"


@pytest.fixture(scope="module")
def offered(impatient: World, upstream_server_id: int) -> World:
    faults = {*BEFORE_THE_FIRST_BYTE, *PLAIN_ONLY, *MID_STREAM, *NO_USABLE_USAGE, *FINE, "status-400"}
    for transport in TRANSPORTS:
        for fault in faults:
            impatient.manage(
                "POST",
                "models",
                {
                    "name": name_of(transport, fault),
                    "purpose": "chat",
                    "tier": "free",
                    "max_output_tokens": 4000,
                    "input_price": "2.00",
                    "cached_input_price": None,
                    "output_price": "2.00",
                    "deployments": [
                        {
                            "provider_type": "ai_server",
                            "provider_id": upstream_server_id,
                            "upstream_model": f"fault:{fault}",
                            "priority": 0,
                            "weight": 1,
                            "transport": transport,
                            "timeout_s": SHORT_S if fault == SLOW else LONG_S,
                        }
                    ],
                },
            )
    impatient.wait_for(*(name_of(transport, fault) for transport in TRANSPORTS for fault in faults))
    return impatient


def is_free_of_charge(row: dict[str, Any]) -> bool:
    return bool(row["state"] == "VOIDED" and row["basis"] == "void" and row["charged"] == row["journalled"] == 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", FINE)
def test_a_plain_answer_is_charged_by_the_providers_usage(offered: World, transport: str, fault: str) -> None:
    answer = offered.chat(name_of(transport, fault))
    assert answer.status_code == 200, answer.text
    usage = answer.json()["usage"]
    row = offered.settled(answer.headers["x-request-id"])
    expected = (usage["prompt_tokens"] + usage["completion_tokens"]) * NANO_PER_TOKEN
    assert row["charged"] == row["journalled"] == row["captured"] == expected > 0
    assert (row["state"], row["basis"], row["status"]) == ("CAPTURED", "provider", "succeeded")
    assert answer.headers["x-ops-attempts"] == "1"
    assert answer.json()["model"] == answer.headers["x-ops-model"] == name_of(transport, fault)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", FINE)
def test_a_stream_is_charged_by_the_providers_usage_and_says_so(offered: World, transport: str, fault: str) -> None:
    seen = offered.stream(name_of(transport, fault), stream_options={"include_usage": True})
    assert seen.done and seen.error is None and seen.text
    assert seen.usage is not None
    row = offered.settled(seen.request_id)
    expected = (seen.usage["prompt_tokens"] + seen.usage["completion_tokens"]) * NANO_PER_TOKEN
    assert row["charged"] == row["journalled"] == expected > 0
    assert int(float(seen.usage["cost_credits"]) * 1e9 + 0.5) == expected
    assert (row["state"], row["basis"], row["status"]) == ("CAPTURED", "provider", "succeeded")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_usage_is_sent_only_to_a_client_that_asked_for_it(offered: World, transport: str) -> None:
    seen = offered.stream(name_of(transport, "usage-on-each-chunk"))
    assert seen.done and seen.usage is None


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_BYTE)
def test_a_fault_before_the_first_byte_is_an_error_and_free(
    offered: World, transport: str, streamed: bool, fault: str
) -> None:
    answer = offered.chat(name_of(transport, fault), stream=streamed)
    assert answer.status_code == BEFORE_THE_FIRST_BYTE[fault], answer.text
    assert "127.0.0.1" not in answer.text
    row = offered.settled(answer.headers["x-request-id"])
    assert is_free_of_charge(row)
    assert (row["status"], row["http"]) == ("failed", answer.status_code)
    if answer.status_code == 429:
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", PLAIN_ONLY)
def test_a_plain_answer_cut_short_is_an_error_and_free(offered: World, transport: str, fault: str) -> None:
    answer = offered.chat(name_of(transport, fault))
    assert answer.status_code == PLAIN_ONLY[fault], answer.text
    assert is_free_of_charge(offered.settled(answer.headers["x-request-id"]))


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", MID_STREAM)
def test_a_fault_in_mid_stream_is_an_error_event_and_free(
    offered: World, upstream: Upstream, transport: str, fault: str
) -> None:
    seen = offered.stream(name_of(transport, fault), on_text=upstream.release)
    assert seen.status == 200
    assert seen.text and seen.error is not None and not seen.done, seen.events
    row = offered.settled(seen.request_id)
    assert is_free_of_charge(row)
    assert row["status"] == "failed"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", NO_USABLE_USAGE)
@pytest.mark.parametrize("streamed", [False, True])
def test_unusable_usage_is_replaced_by_our_own_count(
    offered: World, transport: str, fault: str, streamed: bool
) -> None:
    if streamed:
        seen = offered.stream(name_of(transport, fault))
        assert seen.done
        request_id = seen.request_id
    else:
        answer = offered.chat(name_of(transport, fault))
        assert answer.status_code == 200, answer.text
        request_id = answer.headers["x-request-id"]
    row = offered.settled(request_id)
    assert (row["state"], row["basis"]) == ("CAPTURED", "counted")
    assert 0 < row["charged"] == row["journalled"] <= row["held"]
    assert row["completion"] > 0


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_the_provider_calls_invalid_is_the_callers_fault(offered: World, transport: str, streamed: bool) -> None:
    answer = offered.chat(name_of(transport, "status-400"), stream=streamed)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "upstream_rejected"
    assert is_free_of_charge(offered.settled(answer.headers["x-request-id"]))
