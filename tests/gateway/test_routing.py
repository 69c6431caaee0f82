"""Whom a call goes to, in what order, at what rates; and for whom that is nobody."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from credits.models import PowerLevel, RateVersion, Tier
from gateway import routing
from gateway.callers import Caller
from gateway.errors import ModelForbidden, ModelNotFound, NoProvider
from gateway.routing import Candidate
from gateway.usage_counts import Usage
from llmconfig.models import AIServer
from opscenter.core import changes
from tests.gateway.people import caller, snapshot
from tests.llmconfig.api import Api, chat_on, on_key, on_server

pytestmark = pytest.mark.once


@pytest.fixture
def bob(db: None) -> Caller:
    return caller("bob")


@pytest.fixture(autouse=True)
def _same_dice_every_time() -> Iterator[None]:
    state = random.getstate()
    random.seed(20261121)
    yield
    random.setstate(state)


def _route(caller: Caller, model: str | None = None, purpose: str = "chat") -> tuple[Candidate, ...]:
    return routing.candidates(snapshot(), caller, model=model, purpose=purpose, credits_per_usd="1000")


def _receipt(candidate: Candidate) -> dict[str, str]:
    kept: dict[str, str] = json.loads(bytes(candidate.receipt))
    return kept


def _names(candidates: tuple[Candidate, ...]) -> list[str]:
    return [candidate.target.upstream_model for candidate in candidates]


def _make_active(alice: Api, body: dict[str, Any]) -> None:
    answer = alice.post("active", body)
    assert answer.status in (200, 201), answer.text


def test_a_models_name_means_its_deployments(alice: Api, bob: Caller) -> None:
    server = alice.server()
    alice.model(on_server(server, "x", priority=1), on_server(server, "y"))
    alice.model(on_server(server, "z"), name="m2")

    assert _names(_route(bob, "m1")) == ["y", "x"]


def test_a_provider_before_the_slash_is_the_one_asked(alice: Api, bob: Caller) -> None:
    server, key = alice.server(), alice.key()
    alice.model(on_server(server, "x"), on_key(key, "gpt-x"), input_price="1")

    assert _names(_route(bob, "openai/m1")) == ["gpt-x"]
    assert _names(_route(bob, "openai/gpt-x")) == ["gpt-x"]
    assert _names(_route(bob, "gpu/m1")) == ["x"]
    assert _names(_route(bob, "gpu/x")) == ["x"]


def test_a_model_that_another_provider_has_is_not_found_at_this_one(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), "x"))

    for name in ("openai/x", "gpu/y", "/x", "gpu/", "x/gpu"):
        with pytest.raises(ModelNotFound):
            _route(bob, name)


def test_a_models_own_name_may_have_a_slash(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), "x"), name="meta/llama")

    assert _names(_route(bob, "meta/llama")) == ["x"]


def test_an_upstream_id_that_one_provider_has_means_that_provider(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), "qwen-32b"))

    assert _names(_route(bob, "qwen-32b")) == ["qwen-32b"]


def test_an_upstream_id_that_two_providers_have_is_ambiguous(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), "qwen-32b"))
    alice.model(on_server(alice.server(name="gpu2"), "qwen-32b"), name="m2")

    with pytest.raises(ModelNotFound, match="provider/qwen-32b") as refusal:
        _route(bob, "qwen-32b")
    assert refusal.value.param == "model"
    assert [one.target.provider_label for one in _route(bob, "gpu2/qwen-32b")] == ["gpu2"]


def test_two_keys_of_one_provider_are_one_provider(alice: Api, bob: Caller) -> None:
    alice.model(on_key(alice.key(), "gpt-x"), input_price="1")
    alice.model(on_key(alice.key(key_name="spare"), "gpt-x"), name="m2", input_price="1")

    assert _names(_route(bob, "gpt-x")) == ["gpt-x", "gpt-x"]


def test_no_model_means_the_active_provider_then_its_fallback(alice: Api, bob: Caller) -> None:
    first, second = alice.server(), alice.server(name="gpu2")
    _make_active(
        alice,
        chat_on(
            "ai_server",
            first,
            "a",
            fallback_provider_type="ai_server",
            fallback_provider_id=second["id"],
            fallback_model="b",
        ),
    )

    assert _names(_route(bob)) == ["a", "b"]


def test_nobody_active_is_said_in_so_many_words(bob: Caller) -> None:
    with pytest.raises(NoProvider) as refusal:
        _route(bob)

    assert refusal.value.message == "No active LLM provider configured"
    assert (refusal.value.status, refusal.value.code) == (503, "no_active_provider")


def test_nobody_active_for_another_purpose_names_it(bob: Caller) -> None:
    with pytest.raises(NoProvider, match=r"^No active LLM provider configured for embeddings$"):
        _route(bob, purpose="embeddings")


def test_an_active_provider_that_can_not_answer_is_none(alice: Api, bob: Caller) -> None:
    server = alice.server()
    _make_active(alice, chat_on("ai_server", server, "a"))
    alice.patch(f"servers/{server['id']}", {"enabled": False})

    with pytest.raises(NoProvider):
        _route(bob)


def test_naming_the_active_providers_model_brings_its_fallback(alice: Api, bob: Caller) -> None:
    first, second = alice.server(), alice.server(name="gpu2")
    alice.model(on_server(first, "a"))
    alice.model(on_server(first, "c"), name="m3")
    _make_active(
        alice,
        chat_on(
            "ai_server",
            first,
            "m1",
            fallback_provider_type="ai_server",
            fallback_provider_id=second["id"],
            fallback_model="b",
        ),
    )

    assert _names(_route(bob, "m1")) == ["a", "b"]
    assert _names(_route(bob, "gpu/a")) == ["a", "b"]
    assert _names(_route(bob, "m3")) == ["c"]


def test_the_fallback_stays_behind_also_when_it_is_the_same_model(alice: Api, bob: Caller) -> None:
    first, second = alice.server(), alice.server(name="gpu2")
    alice.model(on_server(first, "x"), on_server(second, "x", weight=1000))
    _make_active(
        alice,
        chat_on(
            "ai_server",
            first,
            "m1",
            fallback_provider_type="ai_server",
            fallback_provider_id=second["id"],
            fallback_model="m1",
        ),
    )

    for _ in range(20):
        assert [one.target.provider_label for one in _route(bob)] == ["gpu", "gpu2"]


def test_a_model_for_another_purpose_is_not_found(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(use_for_embeddings=True)), purpose="embeddings")

    assert _names(_route(bob, "m1", purpose="embeddings")) == ["x"]
    with pytest.raises(ModelNotFound):
        _route(bob, "m1")


def test_what_is_disabled_or_unpriced_can_not_be_called(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), enabled=False))
    alice.model(on_key(alice.key()), name="m2")

    for name in ("m1", "x", "gpu/x", "m2", "gpt-x", "openai/gpt-x"):
        with pytest.raises(ModelNotFound):
            _route(bob, name)


def test_a_higher_tiers_model_is_refused_whatever_it_is_called(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server()), tier="professional")

    for name in ("m1", "x", "gpu/x"):
        with pytest.raises(ModelForbidden, match="professional") as refusal:
            _route(bob, name)
        assert refusal.value.code == "tier_too_low"
        assert refusal.value.details == {"required_tier": "professional", "tier": "free"}
    assert _names(_route(caller("rich", tier="professional"), "m1")) == ["x"]
    assert _names(_route(caller("richer", tier="enterprise"), "m1")) == ["x"]


def test_a_higher_tiers_fallback_is_left_out(alice: Api, bob: Caller) -> None:
    first, second = alice.server(), alice.server(name="gpu2")
    alice.model(on_server(second, "b"), name="m2", tier="enterprise")
    fallback = {"fallback_provider_type": "ai_server", "fallback_provider_id": second["id"], "fallback_model": "m2"}
    _make_active(alice, chat_on("ai_server", first, "a", **fallback))

    assert _names(_route(bob)) == ["a"]
    assert _names(_route(caller("rich", tier="enterprise"))) == ["a", "b"]


def test_a_key_reaches_only_the_models_it_names(alice: Api) -> None:
    server = alice.server()
    alice.model(on_server(server, "x"))
    alice.model(on_server(server, "y"), name="m2")
    bound = caller("bound", allowed_models=["m1"])

    assert _names(_route(bound, "m1")) == ["x"]
    assert _names(_route(bound, "gpu/x")) == ["x"]
    for name in ("m2", "y", "gpu/m2"):
        with pytest.raises(ModelForbidden) as refusal:
            _route(bound, name)
        assert refusal.value.param == "model"


def test_a_keys_models_bound_auto_too(alice: Api) -> None:
    server = alice.server(model_path="other")
    alice.model(on_server(server, "x"))
    _make_active(alice, chat_on("ai_server", server, "other"))

    with pytest.raises(ModelForbidden):
        _route(caller("bound", allowed_models=["m1"]))


def test_a_keys_models_bound_the_fallback_too(alice: Api) -> None:
    server, spare = alice.server(), alice.server(name="spare")
    fallback = {"fallback_provider_type": "ai_server", "fallback_provider_id": spare["id"], "fallback_model": "m2"}
    _make_active(alice, chat_on("ai_server", server, "m1", **fallback))

    assert _names(_route(caller("free"), "m1")) == ["m1", "m2"]
    assert _names(_route(caller("bound", allowed_models=["m1"]), "m1")) == ["m1"]
    assert _names(_route(caller("both", allowed_models=["m1", "m2"]), "m1")) == ["m1", "m2"]


def test_no_more_candidates_are_kept_than_fit(alice: Api, bob: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.routing.candidate._MOST_KEPT", 2)
    server = alice.server()
    alice.model(*(on_server(server, name, priority=priority) for priority, name in enumerate("xyz")))
    taken = snapshot()

    found = routing.candidates(taken, bob, model="m1", purpose="chat", credits_per_usd="1000")

    assert _names(found) == ["x", "y", "z"]
    assert len(taken.candidates) <= 2


def test_a_key_serves_only_its_purposes(alice: Api) -> None:
    alice.model(on_server(alice.server()))

    assert _route(caller("chatter", allowed_purposes=["chat"]), "m1")
    with pytest.raises(ModelForbidden, match="chat"):
        _route(caller("embedder", allowed_purposes=["embeddings"]), "m1")


def test_eco_is_strict_and_says_where_to_go(alice: Api) -> None:
    alice.model(on_key(alice.key()), input_price="1")
    eco = caller("eco", power_level="eco")

    with pytest.raises(ModelForbidden, match="local, groq, huggingface") as refusal:
        _route(eco, "m1")
    assert refusal.value.code == "power_level_excludes_model"


def test_eco_passes_over_the_dear_deployment_of_a_model(alice: Api) -> None:
    alice.model(on_key(alice.key()), on_server(alice.server(), priority=5), input_price="1")

    assert _names(_route(caller("eco", power_level="eco"), "m1")) == ["x"]


def test_a_key_whose_power_level_is_gone_is_told_so(alice: Api) -> None:
    alice.model(on_server(alice.server()))

    with pytest.raises(ModelForbidden) as refusal:
        _route(caller("turbo", power_level="turbo"), "m1")
    assert refusal.value.code == "power_level_missing"


def test_a_multiplier_holds_for_preferred_providers_alone(alice: Api) -> None:
    openrouter = alice.key(provider="openrouter")
    alice.model(on_key(openrouter, "or-x"), on_key(alice.key(), "gpt-x", priority=1), input_price="2")

    cheap, plain = _route(caller("thrifty", tier="starter", power_level="balanced"), "m1")

    assert (cheap.multiplier, plain.multiplier) == (Decimal("0.25"), Decimal(1))
    assert cheap.rates.cost_nano(Usage(1000, 0, 0, 0)) == 700_000_000
    assert plain.rates.cost_nano(Usage(1000, 0, 0, 0)) == 2_800_000_000
    assert cheap.at_cost.cost_nano(Usage(1000, 0, 0, 0)) == 2_000_000_000
    assert (_receipt(cheap)["markup"], _receipt(cheap)["multiplier"]) == ("0.4000", "0.2500")


def test_output_is_capped_by_the_power_level_and_by_the_model(alice: Api) -> None:
    server = alice.server()
    alice.model(on_server(server, "x"), max_output_tokens=3000)
    alice.model(on_server(server, "y"), name="m2")

    assert [one.output_cap for one in _route(caller("a"), "m1")] == [3000]
    assert [one.output_cap for one in _route(caller("b"), "m2")] == [16_000]
    assert [one.output_cap for one in _route(caller("c", power_level="eco"), "m1")] == [2000]


def test_weights_share_the_first_place_and_priorities_decide_before(alice: Api, bob: Caller) -> None:
    server = alice.server()
    alice.model(
        on_server(server, "one", weight=1),
        on_server(server, "three", weight=3),
        on_server(server, "later", priority=1, weight=100),
    )
    known = snapshot()

    orders = [
        _names(routing.candidates(known, bob, model="m1", purpose="chat", credits_per_usd="1000")) for _ in range(2000)
    ]

    firsts = Counter(order[0] for order in orders)
    assert {order[2] for order in orders} == {"later"}
    assert firsts["later"] == 0
    # 1500 are expected, with a standard deviation of 19.
    assert 1400 < firsts["three"] < 1600


def test_the_rates_of_a_model_are_those_of_the_deployments_price(alice: Api, bob: Caller) -> None:
    alice.model(on_key(alice.key(), input_price="0.5"), input_price="9")

    (candidate,) = _route(bob, "m1")

    assert candidate.rates.cost_nano(Usage(1_000_000, 0, 0, 0)) == 500 * 10**9
    assert _receipt(candidate)["input"].startswith("0.5")


def test_what_is_unhealthy_is_asked_last_and_not_left_out(alice: Api, bob: Caller) -> None:
    first, second, third = (alice.server(name=name) for name in ("gpu", "gpu2", "gpu3"))
    alice.model(on_server(first, "x"), on_server(second, "y", priority=1))
    _make_active(
        alice,
        chat_on(
            "ai_server",
            first,
            "m1",
            fallback_provider_type="ai_server",
            fallback_provider_id=third["id"],
            fallback_model="z",
        ),
    )
    assert _names(_route(bob, "m1")) == ["x", "y", "z"]

    AIServer.objects.filter(pk=first["id"]).update(health_status="unhealthy")

    assert _names(_route(bob, "m1")) == ["y", "z", "x"]
    AIServer.objects.filter(pk=first["id"]).update(health_status="degraded")
    assert _names(_route(bob, "m1")) == ["x", "y", "z"]


def test_a_receipt_names_the_versions_of_its_rates(alice: Api, bob: Caller) -> None:
    alice.model(on_server(alice.server(), "x"), input_price="2")
    tier, level = Tier.objects.get(slug=bob.tier), PowerLevel.objects.get(slug=bob.power_level)
    tier.markup = Decimal("0.3")
    changes.save(tier)

    kept: dict[str, Any] = json.loads(bytes(_route(bob, "m1")[0].receipt))

    assert (kept["tier_version"], kept["power_level_version"]) == (2, level.version)
    said = RateVersion.objects.get(kind="tier", slug=tier.slug, version=kept["tier_version"])
    assert Decimal(said.values["markup"]) == Decimal(kept["markup"]) == Decimal("0.3")
