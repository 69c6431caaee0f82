"""Bob has a key and a model, m1, and asks it in the mode that a test names."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from credits import checker
from credits.models import Hold
from gateway.models import RequestRow
from gateway.usage import check
from gateway.usage.check import Days
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

GIVEN = 1000 * 10**9
Ask = Callable[..., httpx.Response]


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    def make() -> str:
        server = alice.server(base_url=upstream.origin)
        alice.model(
            on_server(server, "test-model"),
            on_server(server, "spare-model", priority=1),
            name="m1",
            input_price="2",
            output_price="10",
            max_output_tokens=4000,
        )
        alice.model(on_server(server, "sorter"), name="classifier", input_price="1", max_output_tokens=100)
        return key_of(person("bob", "LLM user", credits_nano=GIVEN)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext


@pytest.fixture
def ask(serving: InProcess, key: str) -> Ask:
    def ask(mode: str = "reasoning", *, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
        body = {"model": "m1", "messages": [{"role": "user", "content": "Why?"}], **fields}
        sent = {"X-Routing-Mode": mode, **(headers or {})}
        return serving.call("POST", "/v1/chat/completions", key=key, content=json.dumps(body).encode(), headers=sent)

    return ask


def spent() -> int:
    """Once every hold has ended; ledger, requests and their sums must agree by then."""
    eventually(lambda: not Hold.objects.filter(state="HELD").exists())
    hold = Hold.objects.latest("created_at")
    eventually(lambda: RequestRow.objects.filter(pk=hold.pk).exists())
    assert list(checker.check()) == []
    today = timezone.now().date()
    days = Days(today - timedelta(days=1), today, settled_after=timedelta(0))
    assert check.check(days) == []
    return GIVEN - wallet(User.objects.get(username="bob")).posted


def rows(parts: int, *, calls: int = 1) -> tuple[RequestRow, list[RequestRow]]:
    """The last of so many requests, once it is written, and its parts."""
    eventually(lambda: RequestRow.objects.filter(parent_id=None).count() == calls)
    whole = RequestRow.objects.filter(parent_id=None).latest("pk")
    found = list(RequestRow.objects.filter(parent_id=whole.pk).order_by("pk"))
    assert len(found) == parts
    return whole, found


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def said(answer: httpx.Response, name: str) -> str:
    deltas = [choice["delta"] for event in events(answer) for choice in event.get("choices", [])]
    return "".join(delta.get(name) or "" for delta in deltas)
