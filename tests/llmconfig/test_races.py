"""Several operators at once: no version is skipped or taken twice, no change is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import connection

from llmconfig.models import AIServer, Deployment, LLMModel, Price
from llmconfig.services import prices, servers
from opscenter.core.db import own_connection

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


def _at_once(*calls: Callable[[], object]) -> None:
    together = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        own_connection()
        try:
            together.wait()
            call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(run, calls))


@pytest.fixture
def server() -> AIServer:
    return servers.create(fields={"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example"})


def test_saving_what_was_read_earlier_loses_a_change(server: AIServer) -> None:
    """The race that the services' lock closes."""
    mine, yours = AIServer.objects.get(), AIServer.objects.get()
    mine.model_path, yours.enabled = "qwen", False

    mine.save()
    yours.save()

    assert AIServer.objects.get().model_path == ""


def test_changes_of_different_fields_are_all_kept(server: AIServer) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"model_path": "qwen"},
        {"enabled": False},
        {"use_for_embeddings": True},
        {"metadata": {"rack": 3}},
    )

    read_earlier = [AIServer.objects.get() for _ in changes]
    pairs = zip(read_earlier, changes, strict=True)
    _at_once(*(partial(servers.update, server=row, fields=fields) for row, fields in pairs))

    stored = AIServer.objects.get()
    assert (stored.model_path, stored.enabled, stored.use_for_embeddings) == ("qwen", False, True)
    assert (stored.metadata, stored.version) == ({"rack": 3}, 1 + len(changes))


@pytest.fixture
def reading_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has read the newest price waits for the others to read it too, where nothing keeps them from it."""
    together = Barrier(THREADS)
    latest = prices._latest

    def meeting(model: LLMModel, deployment: Deployment | None) -> Price | None:
        found = latest(model, deployment)
        with suppress(BrokenBarrierError):
            together.wait(0.5)
        return found

    monkeypatch.setattr(prices, "_latest", meeting)


def test_price_versions_are_numbered_without_a_gap(reading_at_once: None) -> None:
    model = LLMModel.objects.create(name="m1")
    rates = [{"input_price": Decimal(number)} for number in range(1, THREADS + 1)]

    _at_once(*(partial(prices.set_price, model=model, rates=each) for each in rates))

    numbers = Price.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, THREADS + 1))
