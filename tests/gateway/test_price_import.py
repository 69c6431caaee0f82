"""Prices that are imported while a call is in flight: it costs what it was held at, and the next one the new price."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Hold
from gateway.models import RequestRow
from llmconfig import price_map
from llmconfig.services import provider_keys
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def price_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "prices.json"
    monkeypatch.setattr(price_map, "_FILE", str(file))
    yield file
    price_map._whole.cache_clear()


def import_at(usd_per_token: float, price_list: Path) -> None:
    costs = {"input_cost_per_token": usd_per_token, "output_cost_per_token": usd_per_token}
    price_list.write_text(json.dumps({"test-model": {"litellm_provider": "openai", "mode": "chat", **costs}}))
    price_map._whole.cache_clear()
    call_command("import_models", "--provider", "openai", "--apply")


def test_a_call_in_flight_costs_what_it_was_held_at(
    serving: InProcess, upstream: Upstream, price_list: Path, settings: Settings
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    provider_keys.create(fields={"provider": "openai", "key_name": "main"}, api_key=token_hex(20))
    import_at(1e-6, price_list)
    key = key_of(person("bob", "LLM user", tier="starter", credits_nano=10**15)).plaintext
    serving.sees_changes()
    upstream.behave("test-model", "gate:1", "ok")

    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(serving.chat, key, model="test-model", stream=True, max_tokens=20)
        eventually(lambda: len(upstream.calls) == 1)
        held = Hold.objects.get()
        import_at(3e-6, price_list)
        serving.sees_changes()
        assert Hold.objects.get().amount == held.amount
        upstream.release()
        assert begun.result().status_code == 200
    assert serving.chat(key, model="test-model", stream=True, max_tokens=20).status_code == 200

    eventually(lambda: RequestRow.objects.count() == 2)
    former, later = Hold.objects.order_by("created_at")
    assert former.amount == held.amount
    assert former.captured
    assert (later.captured, later.amount) == (3 * former.captured, 3 * former.amount)
    assert list(checker.check()) == []
