"""What refusals of upstreams mean where their status says less than their body, or something else."""

import json
from typing import Any

import pytest

from gateway.transports.errors import UpstreamBadRequest, UpstreamError, UpstreamRateLimited, UpstreamRefusedKey
from gateway.transports.verdict import kind_of

pytestmark = pytest.mark.once

_WRONG_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}
_EMPTY = "Your credit balance is too low to access the API."
_FLAGGED = {"reasons": ["violence"], "flagged_input": "how to", "provider_name": "x", "model_slug": "y"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _WRONG_KEY, UpstreamRefusedKey),
        (400, [_WRONG_KEY], UpstreamRefusedKey),
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": _EMPTY}}, UpstreamRefusedKey),
        (429, {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}, UpstreamRefusedKey),
        (429, {"error": {"type": "exceeded_current_quota_error", "message": "suspended"}}, UpstreamRefusedKey),
        (429, {"error": {"code": "rate_limit_exceeded", "type": "requests"}}, UpstreamRateLimited),
        (403, {"error": {"code": 403, "message": "Forbidden"}}, UpstreamRefusedKey),
        (403, {"error": {"code": 403, "message": "flagged", "metadata": _FLAGGED}}, UpstreamBadRequest),
    ],
)
def test_a_refusal_means_what_its_provider_says_in_the_error(status: int, body: Any, kind: type[UpstreamError]) -> None:
    assert kind_of(status, json.dumps(body).encode()) is kind


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "Invalid value: 'API_KEY_INVALID'.", "param": "messages[0].role"}},
        {"detail": [{"input": _WRONG_KEY}]},
        {"error": {"message": f"`{_EMPTY}` is no tool.", "details": {"reason": "API_KEY_INVALID"}}},
        "API_KEY_INVALID",
        {"error": "API_KEY_INVALID"},
    ],
)
def test_what_a_caller_has_sent_and_an_upstream_repeats_is_no_word_of_a_key(body: Any) -> None:
    assert kind_of(400, json.dumps(body).encode()) is UpstreamBadRequest


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"[1]", b"[" * 5000, b'{"error": [1]}'])
def test_a_body_that_says_nothing_leaves_it_to_the_status(content: bytes) -> None:
    assert kind_of(400, content) is UpstreamBadRequest
    assert kind_of(429, content) is UpstreamRateLimited
