"""Several operators at once: no version is skipped or taken twice, no change is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from llmconfig.models import AIServer, LLMModel, Price
from llmconfig.services import servers
from llmconfig.services.prices import set_price

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


def _at_once(*calls: Callable[[], object]) -> None:
    together = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
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
    changes = (
        {"model_path": "qwen"},
        {"enabled": False},
        {"use_for_embeddings": True},
        {"metadata": {"rack": 3}},
    )

    _at_once(*(partial(servers.update, server=server, fields=fields) for fields in changes))

    stored = AIServer.objects.get()
    assert (stored.model_path, stored.enabled, stored.use_for_embeddings) == ("qwen", False, True)
    assert (stored.metadata, stored.version) == ({"rack": 3}, 1 + len(changes))


def test_price_versions_are_numbered_without_a_gap() -> None:
    model = LLMModel.objects.create(name="m1")

    def several(thread: int) -> None:
        for number in range(5):
            set_price(model=model, rates={"input_price": Decimal(100 * thread + number + 1)})

    _at_once(*(partial(several, thread) for thread in range(THREADS)))

    numbers = Price.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 5 * THREADS + 1))
