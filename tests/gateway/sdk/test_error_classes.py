"""Each error here is raised by the SDKs as the class that their users catch, with our code and the request's id."""

import asyncio
from typing import Any

import anthropic
import httpx
import openai
import pytest
from openai._models import FinalRequestOptions
from pytest_django.fixtures import Settings

from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.gateway.sdk.clients import by_anthropic, by_openai, http_client
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

HELLO: Any = [{"role": "user", "content": "Hello"}]

Asks = dict[str, Any]
# What is asked, by whom, and what OpenAI's users catch: the class, the status, the code; then Anthropic's class and
# the type in its envelope.
CASES: dict[str, tuple[Asks, str, type[openai.APIStatusError], int, str, type[anthropic.APIStatusError], str]] = {
    "invalid": (
        *({"messages": []}, "bob", openai.BadRequestError, 400, "invalid_request"),
        *(anthropic.BadRequestError, "invalid_request_error"),
    ),
    "rejected by the provider": (
        *({"model": "rejecting"}, "bob", openai.BadRequestError, 400, "upstream_rejected"),
        *(anthropic.BadRequestError, "invalid_request_error"),
    ),
    "unknown key": (
        *({}, "nobody", openai.AuthenticationError, 401, "invalid_api_key"),
        *(anthropic.AuthenticationError, "authentication_error"),
    ),
    "no credits": (
        *({}, "poor", openai.APIStatusError, 402, "insufficient_credits"),
        *(anthropic.APIStatusError, "billing_error"),
    ),
    "not this model": (
        *({}, "narrow", openai.PermissionDeniedError, 403, "model_not_allowed"),
        *(anthropic.PermissionDeniedError, "permission_error"),
    ),
    "no permission": (
        *({}, "outsider", openai.PermissionDeniedError, 403, "permission_denied"),
        *(anthropic.PermissionDeniedError, "permission_error"),
    ),
    "unknown model": (
        *({"model": "missing"}, "bob", openai.NotFoundError, 404, "model_not_found"),
        *(anthropic.NotFoundError, "not_found_error"),
    ),
    "limit of the key": (
        *({}, "hasty", openai.RateLimitError, 429, "rate_limit_exceeded"),
        *(anthropic.RateLimitError, "rate_limit_error"),
    ),
    "limit of the provider": (
        *({"model": "limited"}, "bob", openai.RateLimitError, 429, "upstream_rate_limited"),
        *(anthropic.RateLimitError, "rate_limit_error"),
    ),
    "failing provider": (
        *({"model": "failing"}, "bob", openai.InternalServerError, 502, "upstream_error"),
        *(anthropic.InternalServerError, "api_error"),
    ),
    "no provider": (
        *({"model": "auto"}, "bob", openai.InternalServerError, 503, "no_active_provider"),
        *(anthropic.APIStatusError, "api_error"),
    ),
    "slow provider": (
        *({"model": "slow"}, "bob", openai.InternalServerError, 504, "upstream_timeout"),
        *(anthropic.APIStatusError, "timeout_error"),
    ),
}


@pytest.fixture
def keys(serving: InProcess, key: str) -> dict[str, str]:
    bob = User.objects.get(username="bob")
    hasty = key_of(bob, limits=Limits(rpm=1)).plaintext
    assert serving.chat(hasty, model="relayed").status_code == 200
    return {
        "bob": key,
        "nobody": "sk-ops-nobody",
        "poor": key_of(person("poor", "LLM user")).plaintext,
        "narrow": key_of(bob, allowed_models=["another"]).plaintext,
        "outsider": key_of(person("outsider")).plaintext,
        "hasty": hasty,
    }


def test_openais_users_catch_what_they_expect(serving: InProcess, keys: dict[str, str], settings: Settings) -> None:
    for name, (asked, who, kind, status, code, *_) in CASES.items():
        settings.REQUEST_TIMEOUT_S = 0.5 if name == "slow provider" else 60

        async def ask(sdk: openai.AsyncOpenAI, asked: Asks = asked) -> Any:
            return await sdk.chat.completions.create(**{"model": "relayed", "messages": HELLO, **asked})

        with pytest.raises(openai.APIStatusError) as raised:
            by_openai(serving, keys[who], ask)

        error = raised.value
        assert (name, type(error), error.status_code, error.code) == (name, kind, status, code), error
        assert error.request_id and error.type and error.message, name
        if status == 429:
            assert int(error.response.headers["retry-after"]) >= 1, name


def test_anthropics_users_catch_what_they_expect(serving: InProcess, keys: dict[str, str], settings: Settings) -> None:
    for name, (asked, who, _, status, code, kind, told) in CASES.items():
        settings.REQUEST_TIMEOUT_S = 0.5 if name == "slow provider" else 60

        async def ask(sdk: anthropic.AsyncAnthropic, asked: Asks = asked) -> Any:
            return await sdk.messages.create(**{"model": "relayed", "max_tokens": 100, "messages": HELLO, **asked})

        with pytest.raises(kind) as raised:
            by_anthropic(serving, keys[who], ask)

        error, body = raised.value, raised.value.response.json()["error"]
        said = (name, error.status_code, body["type"], body["details"]["error_code"])
        assert said == (name, status, told, code)
        assert error.request_id == error.response.headers["request-id"], name


def test_an_error_in_mid_stream_raises_after_what_was_said(serving: InProcess, key: str) -> None:
    heard: list[str] = []

    async def by_openais(sdk: openai.AsyncOpenAI) -> None:
        async for chunk in await sdk.chat.completions.create(model="cut", messages=HELLO, stream=True):
            heard.extend(choice.delta.content or "" for choice in chunk.choices)

    with pytest.raises(openai.APIError) as raised:
        by_openai(serving, key, by_openais)
    assert raised.value.code == "upstream_error"
    assert "word0" in "".join(heard)

    async def by_anthropics(sdk: anthropic.AsyncAnthropic) -> None:
        async with sdk.messages.stream(model="cut", max_tokens=100, messages=HELLO) as stream:
            async for text in stream.text_stream:
                heard.append(text)  # noqa: PERF401 - what was said before the error counts

    heard.clear()
    with pytest.raises(anthropic.APIStatusError) as told:
        by_anthropic(serving, key, by_anthropics)
    assert told.value.type == "api_error"
    assert "word0" in "".join(heard)


def test_the_sdk_waits_as_long_as_it_is_told_and_then_gets_its_answer(
    serving: InProcess, key: str, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key may have one call at a time, and has one that goes on until the SDK was refused."""
    # A gateway turns the retries of the SDK off that it calls providers by; this client has a process of its own.
    monkeypatch.setattr(FinalRequestOptions, "get_max_retries", lambda _, most: most)
    narrow = key_of(User.objects.get(username="bob"), limits=Limits(concurrency=1)).plaintext
    seen: list[tuple[float, int, str | None]] = []

    async def on_answer(response: httpx.Response) -> None:
        seen.append((asyncio.get_running_loop().time(), response.status_code, response.headers.get("retry-after")))
        if response.status_code == 429:
            await asyncio.to_thread(upstream.release)

    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        asked: Any = {"model": "relayed", "messages": HELLO}
        first = asyncio.ensure_future(sdk.with_options(http_client=http_client()).chat.completions.create(**asked))
        while serving.runtime.limits.open_leases == 0:
            await asyncio.sleep(0.01)
        second = await sdk.chat.completions.create(**asked)
        await first
        return second

    upstream.behave("test-model", "gate:1", "ok")
    client = http_client(event_hooks={"response": [on_answer]})
    answer = by_openai(serving, narrow, ask, max_retries=1, http_client=client)

    assert answer.choices[0].message.content
    (refused_at, refused, wait_s), (answered_at, answered, _) = seen
    assert (refused, answered) == (429, 200)
    assert wait_s is not None and answered_at - refused_at >= float(wait_s)
    eventually(lambda: serving.runtime.limits.open_leases == 0)
