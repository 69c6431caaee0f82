"""What a call may ask of routing, and what is left of a model's deployments by it."""

from typing import Any

import pytest

from gateway import routing
from gateway.callers import Caller
from gateway.errors import InvalidRequest, ModelForbidden, NoDeploymentFits, NoProvider
from gateway.routing.measured import UNSEEN, Seen
from gateway.routing.power import at_level
from gateway.routing.wishes import NO_WISHES, take
from tests.gateway.people import caller, snapshot
from tests.llmconfig.api import Api, on_key, on_server
from tests.replayed import replayed

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def bob(db: None) -> Caller:
    return replayed((__name__, "bob"), lambda: caller("bob", tier="professional"))


def route(bob: Caller, model: str | None = None, *, seen: dict[str, Seen] | None = None, **body: Any) -> list[str]:
    known = snapshot()
    wishes = take(body)
    found = routing.candidates(
        known,
        at_level(known, bob, wishes.power_level),
        model=model,
        purpose="chat",
        credits_per_usd="1000",
        wishes=wishes,
        look=lambda key: (seen or {}).get(key, UNSEEN),
    )
    return [one.target.upstream_model for one in found]


def mixed(alice: Api) -> Any:
    """One model at three places, of rising price."""

    def make() -> Any:
        return alice.model(
            on_server(alice.server(), "here", input_price="1"),
            on_key(alice.key(provider="groq"), "groq-x", input_price="0.1"),
            on_key(alice.key(), "gpt-x"),
            input_price="5",
            strategy="cost-aware",
        )

    return replayed((__name__, "mixed"), make)


def test_nothing_is_asked_unless_it_is() -> None:
    body: dict[str, Any] = {"messages": []}
    assert take(body) is NO_WISHES
    assert take({"power_level": "eco"}, power_level="balanced").power_level == "eco"
    assert take({}, power_level="balanced").power_level == "balanced"


def test_what_is_ours_does_not_reach_the_provider() -> None:
    body = {"power_level": "eco", "routing": {"strategy": "quality"}, "seed": 1}
    take(body)
    assert body == {"seed": 1}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"routing": []}, "routing"),
        ({"routing": {"stratgy": "weighted"}}, "routing"),
        ({"routing": {"strategy": "fastest"}}, "routing.strategy"),
        ({"routing": {"strategy": ["weighted"]}}, "routing.strategy"),
        ({"routing": {"privacy": "secret"}}, "routing.privacy"),
        ({"routing": {"latency": 3}}, "routing.latency"),
        ({"routing": {"tier": "gold"}}, "routing.tier"),
        *(
            ({"routing": {"max_latency_ms": value}}, "routing.max_latency_ms")
            for value in (0, -1, 1.5, True, "9", 10**9)
        ),
        *(({"routing": {"providers": value}}, "routing.providers") for value in ([], "groq", [""], [1], ["a"] * 51)),
        ({"routing": {"exclude": {}}}, "routing.exclude"),
        ({"power_level": 3}, "power_level"),
    ],
    ids=str,
)
def test_what_can_not_be_meant_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        take(body)
    assert refusal.value.param == param


def test_a_models_own_strategy_holds_and_a_call_may_choose_another(alice: Api, bob: Caller) -> None:
    mixed(alice)
    alice.model(
        on_key(alice.key(key_name="a"), "dear", input_price="9"),
        on_key(alice.key(key_name="b"), "cheap", input_price="1"),
        name="m2",
        strategy="cost-aware",
    )

    assert route(bob, "m1") == ["groq-x", "here", "gpt-x"]
    assert all(route(bob, "m2") == ["cheap", "dear"] for _ in range(10))
    assert route(bob, "m1", routing={"strategy": "quality"}, power_level="balanced")[0] == "groq-x"


def test_priorities_go_before_every_strategy(alice: Api, bob: Caller) -> None:
    keys = [alice.key(key_name=name) for name in "ab"]
    alice.model(
        on_key(keys[0], "cheap", input_price="1", priority=1),
        on_key(keys[1], "dear", input_price="9"),
        strategy="cost-aware",
    )

    assert route(bob, "m1") == ["dear", "cheap"]


def test_privacy_follows_from_where_a_deployment_runs(alice: Api, bob: Caller) -> None:
    made = mixed(alice)
    assert route(bob, "m1", routing={"privacy": "local"}) == ["here"]
    assert route(bob, "m1", routing={"privacy": "no-training"}) == ["groq-x", "here", "gpt-x"]

    groq = next(row for row in made["deployments"] if row["upstream_model"] == "groq-x")
    assert alice.patch(f"deployments/{groq['id']}", {"privacy": "low"}).status == 200
    assert route(bob, "m1", routing={"privacy": "medium"}) == ["here", "gpt-x"]
    assert len(route(bob, "m1", routing={"privacy": "any"})) == 3

    alice.patch(f"models/{made['id']}", {"privacy": "low"})
    with pytest.raises(NoDeploymentFits):
        route(bob, "m1", routing={"privacy": "local"})


def test_a_providers_key_can_not_be_said_to_be_highly_private(alice: Api) -> None:
    made = mixed(alice)
    for row in made["deployments"]:
        answer = alice.patch(f"deployments/{row['id']}", {"privacy": "high"})
        assert answer.status == (200 if row["provider_type"] == "ai_server" else 422), answer.text


@pytest.mark.parametrize(
    ("routing_wishes", "left"),
    [
        ({"providers": ["openai", "groq"]}, ["groq-x", "gpt-x"]),
        ({"providers": ["local"]}, ["here"]),
        ({"providers": ["gpu"]}, ["here"]),
        ({"exclude": ["groq"]}, ["here", "gpt-x"]),
        ({"exclude": ["gpu", "openai"]}, ["groq-x"]),
    ],
    ids=str,
)
def test_providers_are_named_as_before_the_slash(
    alice: Api, bob: Caller, routing_wishes: dict[str, Any], left: list[str]
) -> None:
    mixed(alice)
    assert route(bob, "m1", routing=routing_wishes) == left


def test_latency_is_as_measured_else_as_the_class_says(alice: Api, bob: Caller) -> None:
    keys = {row["upstream_model"]: f"d:{row['id']}" for row in mixed(alice)["deployments"]}
    measured = {keys["here"]: Seen(0, 0.4, 0.0), keys["groq-x"]: Seen(0, 8.0, 0.0)}

    assert route(bob, "m1", seen=measured, routing={"max_latency_ms": 500}) == ["here"]
    assert route(bob, "m1", seen=measured, routing={"max_latency_ms": 3000}) == ["here", "gpt-x"]
    assert len(route(bob, "m1", routing={"latency": "medium"})) == 3
    with pytest.raises(NoDeploymentFits, match="3 by latency"):
        route(bob, "m1", routing={"latency": "fast"})


def test_who_has_dropped_whom_is_told_where_nobody_is_left(alice: Api, bob: Caller) -> None:
    mixed(alice)
    with pytest.raises(NoDeploymentFits, match="1 by providers, 2 by exclude") as refusal:
        route(bob, "m1", routing={"providers": ["groq", "local"], "exclude": ["m1"]})
    assert refusal.value.details is not None
    dropped = refusal.value.details["dropped"]
    assert {(one["provider"], one["rule"]) for one in dropped} == {
        ("openai", "providers"),
        ("groq", "exclude"),
        ("local", "exclude"),
    }
    assert refusal.value.status == 400


def test_a_call_reaches_its_keys_power_level_and_lesser_ones(alice: Api, bob: Caller) -> None:
    mixed(alice)
    assert route(bob, "m1", power_level="eco") == ["groq-x", "here"]
    thrifty = caller("thrifty", power_level="eco")

    for level, code in (("precision", "power_level_too_high"), ("turbo", "power_level_unknown")):
        with pytest.raises(ModelForbidden) as refusal:
            route(thrifty, "m1", power_level=level)
        assert (refusal.value.code, refusal.value.param) == (code, "power_level")


def catalog(alice: Api) -> None:
    replayed((__name__, "catalog"), lambda: make_catalog(alice))


def make_catalog(alice: Api) -> None:
    openai, groq, together = alice.key(), alice.key(provider="groq"), alice.key(provider="together")
    alice.model(on_key(openai, "best"), name="best", quality_score="0.97", input_price="10", tier="professional")
    alice.model(on_key(openai, "top"), name="top", quality_score="0.99", input_price="20", tier="enterprise")
    alice.model(on_key(together, "good"), name="good", quality_score="0.85", input_price="1", tier="starter")
    alice.model(on_key(groq, "fair"), name="fair", quality_score="0.70", input_price="0.2", latency_class="ultrafast")
    alice.model(on_key(groq, "poor"), name="poor", quality_score="0.50", input_price="0.1")
    alice.model(on_key(openai, "vectors"), name="vectors", purpose="embeddings", quality_score="1", input_price="0.1")


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"power_level": "precision"}, ["best"]),
        ({"power_level": "balanced"}, ["good", "best"]),
        ({"power_level": "eco"}, ["fair"]),
        ({"routing": {"strategy": "cost-aware"}}, ["poor", "fair", "good", "best"]),
        ({"routing": {"tier": "starter", "strategy": "quality"}}, ["good", "fair", "poor"]),
        ({"routing": {"latency": "fast"}}, ["fair"]),
        ({"routing": {"exclude": ["poor", "best"], "strategy": "cost-aware"}}, ["fair", "good"]),
    ],
    ids=str,
)
def test_without_a_model_the_whole_catalog_is_looked_at(
    alice: Api, bob: Caller, body: dict[str, Any], left: list[str]
) -> None:
    catalog(alice)
    assert route(bob, **body) == left


def test_the_whole_catalog_is_no_more_than_the_key_reaches(alice: Api) -> None:
    catalog(alice)
    assert route(caller("bound", allowed_models=["poor"]), routing={"strategy": "quality"}) == ["poor"]
    with pytest.raises(ModelForbidden, match="needs the tier starter"):
        route(caller("free", allowed_models=["good", "top"]), routing={"strategy": "quality"})


def test_of_a_large_catalog_the_first_few_are_held_for(alice: Api, bob: Caller) -> None:
    key = alice.key()
    for number in range(12):
        alice.model(on_key(key, f"x{number:02}"), name=f"m{number}", input_price=str(number + 1))

    assert route(bob, routing={"strategy": "cost-aware"}) == [f"x{number:02}" for number in range(8)]


def test_an_empty_catalog_has_nobody(bob: Caller) -> None:
    with pytest.raises(NoProvider) as refusal:
        route(bob, power_level="eco")
    assert refusal.value.code == "no_model"
