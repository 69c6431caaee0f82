"""`import_models`: LiteLLM's price list into the catalog, seen before it is written, and the same the second time."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from llmconfig import price_map
from llmconfig.models import Deployment, LLMModel, Price, ProviderKey
from llmconfig.snapshot import load
from opscenter.core.models import AuditEntry, ConfigVersion
from tests.llmconfig.api import Api, on_key, on_server

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# Written as text: the list's floats must be read as the decimals they are written as.
LIST = """{
  "sample_spec": {"litellm_provider": "one of many", "mode": "one of many"},
  "gpt-big": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
    "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "max_input_tokens": 128000,
    "max_output_tokens": 16384, "supports_vision": true, "input_cost_per_token_above_200k_tokens": 5e-06},
  "gpt-small": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 7.5e-08,
    "output_cost_per_token": 3e-07},
  "gpt-gone": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06,
    "output_cost_per_token": 1e-06, "deprecation_date": "2024-01-01"},
  "gpt-free": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 0, "output_cost_per_token": 0.0},
  "gpt-by-the-second": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_second": 0.1},
  "ft:gpt-small": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06},
  "pictures": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_token": 1e-06},
  "embed": {"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 2e-08,
    "output_cost_per_token": 0.0, "max_input_tokens": 8191},
  "groq/llama": {"litellm_provider": "groq", "mode": "chat", "input_cost_per_token": 5.9e-07,
    "output_cost_per_token": 7.9e-07},
  "rerank-one": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002}
}"""


@pytest.fixture(autouse=True)
def price_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "prices.json"
    file.write_text(LIST)
    monkeypatch.setattr(price_map, "_FILE", str(file))
    price_map._whole.cache_clear()
    yield file
    price_map._whole.cache_clear()


def reprice(file: Path, name: str, **costs: float) -> None:
    listed = json.loads(file.read_text())
    listed[name].update(costs)
    file.write_text(json.dumps(listed))
    price_map._whole.cache_clear()


def imported(*arguments: str) -> str:
    out = StringIO()
    call_command("import_models", *arguments, stdout=out)
    return out.getvalue()


def model(name: str) -> LLMModel:
    return LLMModel.objects.get(name=name)


def test_nothing_is_written_until_it_is_wanted() -> None:
    before = ConfigVersion.objects.get().version, AuditEntry.objects.count()

    told = imported("--provider", "openai")

    assert "3 new, 0 changed, 0 as they are" in told
    assert "+ gpt-big: chat, professional, USD per 1M: input 2.5, cached input 1.25, output 10" in told
    assert "not covered: input 5 above 200k tokens" in told
    assert "Give --apply" in told
    assert not LLMModel.objects.exists()
    assert not ProviderKey.objects.exists()
    assert (ConfigVersion.objects.get().version, AuditEntry.objects.count()) == before


def test_models_come_with_prices_sizes_tags_and_a_deployment() -> None:
    imported("--provider", "openai", "--provider", "groq", "--provider", "cohere", "--apply")

    big = model("gpt-big")
    assert big.price is not None
    assert (big.price.input_price, big.price.cached_input_price, big.price.output_price) == (
        Decimal("2.5"),
        Decimal("1.25"),
        Decimal(10),
    )
    assert (big.context_window, big.max_output_tokens, big.use_case_tags) == (128_000, 16_384, ["vision"])
    (deployment,) = big.deployments.all()
    assert (str(deployment.provider), deployment.upstream_model) == ("openai: Default OpenAI Key", "gpt-big")
    assert (model("embed").purpose, model("gpt-small").tier) == ("embeddings", "starter")
    assert model("groq/llama").deployments.get().upstream_model == "llama"
    reranker = model("cohere/rerank-one").price
    assert reranker is not None
    assert (reranker.input_price, reranker.search_price) == (Decimal(0), Decimal("0.002"))


def test_a_second_import_changes_nothing() -> None:
    imported("--provider", "openai", "--apply")
    entries, version = AuditEntry.objects.count(), ConfigVersion.objects.get().version

    told = imported("--provider", "openai", "--apply")

    assert "0 new, 0 changed, 3 as they are" in told
    assert (AuditEntry.objects.count(), ConfigVersion.objects.get().version) == (entries, version)


def test_another_price_is_a_new_version_and_what_a_call_is_held_at_stays(alice: Api, price_list: Path) -> None:
    key = alice.key()
    imported("--provider", "openai", "--apply")
    (held,) = load().models["gpt-big"].targets
    reprice(price_list, "gpt-big", output_cost_per_token=2e-05)

    assert "~ gpt-big: output price 10 -> 20" in imported("--provider", "openai")
    imported("--provider", "openai", "--apply")

    (now,) = load().models["gpt-big"].targets
    assert (held.price.output, now.price.output) == (Decimal(10), Decimal(20))
    former = Price.objects.get(model__name="gpt-big", number=1)
    assert (former.pk, former.output_price) == (held.price.price_id, Decimal(10))
    assert now.provider_id == key["id"]


def test_what_is_there_keeps_its_name_and_what_was_entered(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key, "gpt-big"), name="ours", input_price="1", tier="starter", context_window=9000)

    told = imported("--provider", "openai", "--apply")

    ours = model("ours")
    assert "~ ours: input price 1 -> 2.5" in told
    assert (ours.tier, ours.context_window, ours.max_output_tokens) == ("starter", 9000, 16_384)
    assert not LLMModel.objects.filter(name="gpt-big").exists()


def test_a_model_that_runs_elsewhere_too_gets_a_price_for_that_deployment_alone(alice: Api) -> None:
    places = (on_key(alice.key(), "gpt-big"), on_server(alice.server(), "big"))
    alice.model(*places, name="gpt-big", input_price="0.10")

    imported("--provider", "openai", "--apply")

    big = model("gpt-big")
    assert big.price is not None
    assert big.price.input_price == Decimal("0.1")
    there = Deployment.objects.complete().get(upstream_model="gpt-big")
    assert there.own_price is not None
    assert there.own_price.output_price == Decimal(10)
    assert "0 new, 0 changed" in imported("--provider", "openai")


def test_a_name_that_is_there_gets_another_deployment_at_the_price_of_that_place(alice: Api) -> None:
    alice.model(on_server(alice.server(), "local"), name="gpt-big", input_price="0")
    alice.model(name="embed", purpose="chat")

    told = imported("--provider", "openai", "--apply")

    assert "+ gpt-big: another deployment, gpt-big at a price of its own" in told
    assert "! embed: left out, the catalog has that name for another purpose" in told
    new = Deployment.objects.complete().get(upstream_model="gpt-big")
    assert new.own_price is not None
    assert model("gpt-big").deployments.count() == 2


def test_what_can_not_be_billed_or_called_is_left_out_and_counted() -> None:
    told = imported("--provider", "openai")

    for reason in ("neither chat, embeddings nor reranking", "no price by the token", "listed at no cost", "retired"):
        assert f"1 left out: {reason}" in told
    assert "ft:" not in told
    assert "+ gpt-gone" in imported("--provider", "openai", "--retired")
    assert "+ gpt-free" in imported("--provider", "openai", "--free")


def test_what_a_provider_has_given_up_since_is_told(alice: Api, price_list: Path) -> None:
    key = alice.key()
    for name, upstream in (("ours", "gpt-gone"), ("older", "gpt-older"), ("fine", "gpt-big")):
        alice.model(on_key(key, upstream), name=name, input_price="1")
    told = imported("--provider", "openai")

    assert "! ours: gpt-gone was withdrawn on 2024-01-01" in told
    assert "! older: gpt-older is not in the list" in told
    assert "! fine" not in told
    assert "! ours" not in imported("--provider", "openai", "--match", "gpt-*")


def test_the_choice_can_be_narrowed(alice: Api, price_list: Path) -> None:
    first, second = alice.key(), alice.key(key_name="second")
    imported("--provider", "openai", "--match", "gpt-b*", "--key", str(second["id"]), "--apply")
    reprice(price_list, "gpt-big", input_cost_per_token=3e-06)

    told = imported("--provider", "openai", "--new-only", "--apply")

    assert model("gpt-big").deployments.get().key_id == second["id"]
    assert "2 new, 0 changed, 1 as they are" in told
    assert model("gpt-big").price.number == 1  # type: ignore[union-attr]
    assert model("gpt-small").deployments.get().key_id == first["id"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Name a provider"),
        (("--provider", "nobody"), "no provider that LiteLLM knows"),
        (("--provider", "huggingface"), "has no models of huggingface"),
        (("--provider", "openai", "--key", "99"), "no key 99 for openai"),
    ],
)
def test_what_can_not_be_done_is_said(arguments: tuple[str, ...], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        imported(*arguments)


def test_what_it_writes_is_audited_as_done_by_the_command() -> None:
    imported("--provider", "groq", "--apply")

    entries = AuditEntry.objects.filter(source="command:import_models")
    assert set(entries.values_list("entity_type", flat=True)) == {
        "llm_api_keys",
        "llm_deployments",
        "llm_models",
        "llm_prices",
    }


def test_the_list_that_is_installed_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    price_map._whole.cache_clear()
    told = imported("--provider", "openai", "--provider", "anthropic", "--provider", "google", "--provider", "groq")

    assert "openai (openai: Default OpenAI Key): " in told
    assert "+ gpt-4o: chat, " in told
    assert {"openai", "anthropic", "gemini", "together_ai"} <= set(price_map.providers())


def test_every_name_of_the_installed_list_is_one_of_the_catalogs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    price_map._whole.cache_clear()
    today = date(2026, 1, 1)
    offers = [offer for slug in price_map.providers() for offer in price_map.listing(slug, today=today).offers]

    for offer in offers:
        LLMModel(name=offer.name, purpose=offer.purpose, **offer.model).clean_fields()
    assert len(offers) > 1000
