"""What is refused at the start: sync that can't work, and secrets that everybody knows."""

import string
from random import Random
from secrets import token_urlsafe

import pytest
from pytest_django.fixtures import Settings

from llmconfig.checks import proxy_sync_is_possible, secrets_are_no_placeholders
from opscenter.core.placeholders import is_placeholder

URL_SAFE = string.ascii_letters + string.digits + "-_"


def test_the_defaults_are_fine() -> None:
    assert proxy_sync_is_possible() == secrets_are_no_placeholders() == []


@pytest.mark.parametrize(
    ("mode", "url", "key", "complaint"),
    [
        ("both", "", "", "LITELLM_SYNC_MODE is 'both'"),
        ("api", "", f"sk-{token_urlsafe(20)}", "without LITELLM_PROXY_URL"),
        ("api", "http://litellm:4000", "", "without LITELLM_PROXY_URL"),
        ("file", "", token_urlsafe(20), "does not begin with sk-"),
    ],
    ids=["unknown mode", "no URL", "no key", "another key"],
)
def test_sync_that_cannot_work_is_refused(mode: str, url: str, key: str, complaint: str, settings: Settings) -> None:
    settings.LITELLM_SYNC_MODE, settings.LITELLM_PROXY_URL, settings.LITELLM_MASTER_KEY = mode, url, key

    (problem,) = proxy_sync_is_possible()
    assert (problem.id, complaint in problem.msg) == ("llm.E003", True)


def test_a_command_that_cannot_be_read_is_refused(settings: Settings) -> None:
    settings.LITELLM_RELOAD_COMMAND = "restart 'litellm"

    (problem,) = proxy_sync_is_possible()
    assert "LITELLM_RELOAD_COMMAND" in problem.msg


@pytest.mark.parametrize("name", ["LITELLM_MASTER_KEY", "LITELLM_API_KEY", "LITELLM_EVAL_KEY", "BYOK_ENCRYPTION_KEY"])
def test_a_placeholder_is_refused_wherever_it_stands(name: str, settings: Settings) -> None:
    former = getattr(settings, name)
    setattr(settings, name, ",".join(filter(None, (former, "sk-1234"))))
    if name != "BYOK_ENCRYPTION_KEY":
        setattr(settings, name, "sk-1234")

    assert [problem.id for problem in secrets_are_no_placeholders()] == ["llm.E004"]


@pytest.mark.parametrize(
    "secret",
    [
        "sk-1234",
        "sk-1234567890abcdef",
        "sk-xxxxxxxxxxxx",
        "change-me",
        "sk-CHANGEME-please",
        "your-openai-key-here",
        "your_api_key",
        "sk-your-key-here",
        "<your key>",
        "sk-...",
        "placeholder",
        "sk-anything",
        "sk-master-key",
        "3oSN" + "-ca3dd_g-nYIY1MDHipF0jSaszApHU83w0ItRsM=",
    ],
)
def test_placeholders_are_known(secret: str) -> None:
    assert is_placeholder(secret)


@pytest.mark.parametrize(
    "beginning", ["", "sk-", "XXX", "sk-xxx", "1234", "sk-abcd", "my-", "sk-My_", "your_", "sk-test", "example-"]
)
def test_no_secret_is_taken_for_a_placeholder_for_how_it_begins(beginning: str) -> None:
    dice = Random(beginning)
    made = [beginning + "".join(dice.choices(URL_SAFE, k=length)) for length in (12, 24, 48) for _ in range(300)]

    assert not [secret for secret in ("", *made) if is_placeholder(secret)]
