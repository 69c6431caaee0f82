"""Log lines are JSON and hold no secret."""

import asyncio
import json
import logging
import secrets
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from opscenter import task_metrics
from opscenter.celery import app
from opscenter.core import redaction
from opscenter.core.middleware import RequestContextMiddleware
from opscenter.logging import JsonFormatter, redact

# What makes a key of a prefix.
FILLING = "x" * 12


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("gateway").makeRecord("gateway", logging.INFO, "", 0, message, args, None, extra=extra)
    formatted: dict[str, object] = json.loads(JsonFormatter().format(record))
    return formatted


def test_half_an_emoji_is_escaped_for_the_stream_that_takes_none() -> None:
    record = logging.makeLogRecord({"msg": "caf\u00e9 %s", "args": ("\ud83d",)})

    written = JsonFormatter().format(record).encode()

    assert "caf\u00e9".encode() in written
    assert json.loads(written)["message"] == "caf\u00e9 \ud83d"


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


def test_a_key_of_googles_and_a_password_without_a_user_are_struck_out() -> None:
    key = "AIzaSy" + FILLING
    assert key not in redact(f"GET /v1beta/models?key={key}")
    assert "hunter22" not in redact("redis://:hunter22@redis:6379/0 is away")


@pytest.mark.parametrize("name", ["api_key", "x-api-key", '"apiKey"', "password", "client_secret", "Authorization"])
def test_what_a_name_says_is_secret_is_struck_out(name: str) -> None:
    secret = secrets.token_hex(8)
    assert secret not in redact(f"called with {name}: {secret}")
    assert secret not in redact(f"called with {name}={secret}&stream=true")


@pytest.fixture
def known() -> Iterator[str]:
    """A secret that looks like none."""
    secret = secrets.token_hex(10)
    redaction.know("test", [secret, "short", ""])
    yield secret
    redaction.know("test", [])


def test_a_known_secret_is_struck_out_of_message_arguments_extra_and_traceback(known: str) -> None:
    assert known not in str(line(f"a message with {known}"))
    assert known not in str(line("arguments: %r", {"header": known}))
    assert known not in str(line("extra", upstream=known, request_id=known))
    try:
        int(known + "z")
    except ValueError:
        record = logging.LogRecord("gateway", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    assert known in str(record.exc_info)
    record.stack_info = f"Stack (most recent call last):\n  {known}"
    shown = JsonFormatter().format(record)
    assert known not in shown
    assert json.loads(shown)["stack"].endswith("[redacted]")


def test_of_a_secret_within_a_longer_one_nothing_is_left(known: str) -> None:
    redaction.know("longer", [known + "-more"])
    try:
        assert redact(f"{known}-more") == "[redacted]"
    finally:
        redaction.know("longer", [])


def test_a_source_that_names_its_secrets_anew_forgets_the_former(known: str) -> None:
    redaction.know("test", ["another-" + known])
    assert redact(known) == known


def test_short_secrets_do_not_spoil_ordinary_words(known: str) -> None:
    assert redact("a short line") == "a short line"


def test_secrets_of_the_settings_are_known() -> None:
    assert settings.SECRET_KEY not in redact(f"leaked {settings.SECRET_KEY} here")
    assert settings.BYOK_ENCRYPTION_KEY not in redact(f"leaked {settings.BYOK_ENCRYPTION_KEY} here")


def test_local_variables_are_in_no_traceback() -> None:
    hidden = secrets.token_hex(8)
    try:
        json.loads(hidden + "{")
    except ValueError:
        record = logging.LogRecord("gateway", logging.ERROR, "", 0, "failed", (), sys.exc_info())
    assert hidden not in JsonFormatter().format(record)


def test_a_line_with_wrong_arguments_is_written_without_them(known: str) -> None:
    assert line("one %s of %s", known)["message"] == "one %s of %s"


def test_plain_extra_values_are_fields_and_objects_stay_out() -> None:
    shown = line("ended", status="succeeded", tokens=3, share=0.5, first=None, streamed=True, thing=object())
    assert {key: shown[key] for key in ("status", "tokens", "share", "first", "streamed")} == {
        "status": "succeeded",
        "tokens": 3,
        "share": 0.5,
        "first": None,
        "streamed": True,
    }
    assert "thing" not in shown


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    """What the logger `tests.served` writes meanwhile."""
    written: list[dict[str, object]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(json.loads(JsonFormatter().format(record)))

    handler, logger = Keeping(), logging.getLogger("tests.served")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def test_lines_written_while_a_page_is_served_carry_its_id(lines: list[dict[str, object]]) -> None:
    def page(request: HttpRequest) -> HttpResponse:
        logging.getLogger("tests.served").warning("inside")
        return HttpResponse()

    answer = RequestContextMiddleware(page)(RequestFactory().get("/admin/"))
    logging.getLogger("tests.served").warning("after")
    inside, after = lines
    assert inside["request_id"] == answer["x-request-id"]
    assert "request_id" not in after


async def test_lines_written_while_an_asynchronous_page_is_served_carry_its_id(lines: list[dict[str, object]]) -> None:
    async def page(request: HttpRequest) -> HttpResponse:
        await asyncio.to_thread(logging.getLogger("tests.served").warning, "inside, on another thread")
        return HttpResponse()

    answer = await RequestContextMiddleware(page)(RequestFactory().get("/"))  # type: ignore[arg-type, misc]
    assert [line["request_id"] for line in lines] == [answer["x-request-id"]]


def test_lines_of_a_task_carry_its_id_and_it_is_counted_as_it_ended(lines: list[dict[str, object]]) -> None:
    @app.task(name="tests.logs")
    def logs() -> None:
        logging.getLogger("tests.served").warning("inside")

    @app.task(name="tests.fails")
    def fails() -> None:
        raise ValueError

    task_metrics.connect()
    done = logs.apply()
    fails.apply()
    logging.getLogger("tests.served").warning("after")
    inside, after = lines
    assert inside["task_id"] == done.id
    assert "task_id" not in after
    counted = {
        (sample.labels["task"], sample.labels["outcome"]): sample.value
        for family in task_metrics.ended.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert (counted["tests.logs", "success"], counted["tests.fails", "failure"]) == (1, 1)
