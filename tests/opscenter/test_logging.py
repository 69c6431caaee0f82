"""Log lines are JSON and hold no secret."""

import json
import logging
import sys

import pytest

from opscenter.logging import JsonFormatter, redact

# What makes a key of a prefix.
FILLING = "x" * 12


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("gateway").makeRecord("gateway", logging.INFO, "", 0, message, args, None, extra=extra)
    formatted: dict[str, object] = json.loads(JsonFormatter().format(record))
    return formatted


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ops-0123456789_" + FILLING,
        "sk-proj-" + FILLING,
        "gsk_" + FILLING,
        "xai-" + FILLING,
        "hf_" + FILLING,
        "whsec_" + FILLING,
        "ops-at-0123456789_" + FILLING,
        "AIza-" + FILLING,
    ],
)
def test_keys_are_struck_out_wherever_they_stand(secret: str) -> None:
    assert secret not in redact(f"calling with {secret}, which failed")
    assert secret not in str(line("calling with %s", secret))


def test_bearer_tokens_are_struck_out() -> None:
    assert "abcdef123456" not in redact("Authorization: Bearer abcdef123456")


def test_passwords_in_addresses_are_struck_out() -> None:
    assert "hunter22" not in redact("postgres://ops:hunter22@db:5432/ops is away")


def test_plain_words_stay() -> None:
    text = "the task-runner asked 3 providers: skilled, risky"
    assert redact(text) == text


def test_a_line_is_json_with_time_level_logger_and_request() -> None:
    shown = line("hello %s", "world", request_id="r1")
    assert str(shown.pop("time")).endswith("Z")
    assert shown == {"level": "info", "logger": "gateway", "message": "hello world", "request_id": "r1"}


def test_a_traceback_is_part_of_the_line_and_redacted() -> None:
    try:
        int("sk-proj-" + FILLING)
    except ValueError:
        record = logging.LogRecord("gateway", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    shown = JsonFormatter().format(record)
    assert "\n" not in shown
    assert "ValueError" in json.loads(shown)["exception"]
    assert "sk-proj-" + FILLING not in shown
