"""Personal models: a consumer's, over keys of their own, seen and called by nobody else, and free of charge."""

from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest

from gateway.errors import ModelNotFound
from gateway.routing import candidates
from llmconfig.models import LLMModel, ProviderKey
from llmconfig.services import catalog, own_models, provider_keys
from llmconfig.snapshot import load
from opscenter.core.errors import Unprocessable
from opscenter.core.models import User
from tests.gateway.people import caller_by, key_of, person, snapshot
from tests.llmconfig.api import OPENAI_SECRET, Api, on_key

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MODELS = "/api/v1/llm/models"


@pytest.fixture
def bea() -> User:
    return person("bea", "LLM user", tier="starter")


@pytest.fixture
def beas_key(bea: User) -> ProviderKey:
    fields = {"provider": "openai", "key_name": "mine", "owner": bea}
    return provider_keys.create(fields=fields, api_key=OPENAI_SECRET)


def on(key: ProviderKey, upstream_model: str = "gpt-x", **fields: Any) -> dict[str, Any]:
    return {"provider_id": key.pk, "upstream_model": upstream_model, **fields}


def asked(user: User, model: str) -> Any:
    caller = caller_by(key_of(user))
    return candidates(snapshot(), caller, model=model, purpose="chat", credits_per_usd="1000")


def test_a_model_is_made_read_changed_and_deleted_by_its_owner(bea: User, beas_key: ProviderKey) -> None:
    api = Api(bea)

    made = api.post(MODELS, {"name": "mine", "max_output_tokens": 4000, "deployments": [on(beas_key)]})

    assert made.status == 201, made.text
    assert (made.body["owner"], made.body["input_price"]) == (bea.pk, None)
    address = f"{MODELS}/{made.body['id']}"
    assert api.get(f"{address}?mine=true").body == made.body
    assert [row["name"] for row in api.get(f"{MODELS}?mine=true").body["results"]] == ["mine"]
    changed = api.patch(address, {"deployments": [on(beas_key, "gpt-y")]})
    assert [row["upstream_model"] for row in changed.body["deployments"]] == ["gpt-y"]
    assert api.delete(address).status == 204
    assert not LLMModel.objects.exists()


def test_nobody_else_sees_it_or_calls_it(alice: Api, bea: User, beas_key: ProviderKey) -> None:
    made = own_models.create(
        owner=bea, values={"name": "mine"}, deployments=[{"provider_type": "api_key"} | on(beas_key)]
    )
    carl = person("carl", "LLM user")

    for api in (alice, Api(carl)):
        assert api.get(f"{MODELS}?mine=true").body["count"] == 0
        assert api.patch(f"{MODELS}/{made.pk}", {"name": "theirs"}).status == 404
        assert api.delete(f"{MODELS}/{made.pk}").status == 404
    assert alice.get("models").body["count"] == 0
    assert alice.get(f"models/{made.pk}").status == 404
    for name in ("mine", "gpt-x", "openai/gpt-x", "openai/mine"):
        with pytest.raises(ModelNotFound):
            asked(carl, name)
    assert load().models == {}


def test_its_owner_calls_it_by_the_own_key_at_no_cost_and_without_a_fallback(
    alice: Api, bea: User, beas_key: ProviderKey
) -> None:
    platform = alice.key(api_key="of-the-platform-0000")
    alice.model(on_key(platform, "gpt-x"), name="gpt-x", input_price="9", tier="enterprise")
    alice.post("active", {**on_key(platform), "purpose": "chat", "default_model": "gpt-x"})
    Api(bea).post(MODELS, {"name": "gpt-x", "deployments": [on(beas_key)]})

    (own,) = asked(bea, "gpt-x")

    assert (own.target.api_key, own.target.owner_id, own.rates.is_free) == (OPENAI_SECRET, bea.pk, True)
    assert OPENAI_SECRET in load().secrets()
    beas_key.enabled = False
    beas_key.save()
    with pytest.raises(ModelNotFound):
        asked(bea, "gpt-x")


@pytest.mark.parametrize("theirs", [{"provider_type": "ai_server"}, {}], ids=["a server", "the platform's key"])
def test_it_runs_on_keys_of_its_owner_alone(theirs: dict[str, Any], alice: Api, bea: User) -> None:
    body = alice.server() if theirs else alice.key()

    answer = Api(bea).post(
        MODELS, {"name": "x", "deployments": [{"provider_id": body["id"], "upstream_model": "x", **theirs}]}
    )

    assert (answer.status, answer.code) == (422, "invalid")
    assert not LLMModel.objects.exists()


def test_the_platform_runs_nothing_on_a_consumers_key(alice: Api, beas_key: ProviderKey) -> None:
    answer = alice.post("models", {"name": "m", "deployments": [on_key({"id": beas_key.pk})]})

    assert answer.status == 422


def test_price_tier_and_limits_are_not_for_its_owner_to_set(bea: User, beas_key: ProviderKey) -> None:
    deployment = on(beas_key, rpm=1, input_price="5")
    made = Api(bea).post(
        MODELS, {"name": "x", "tier": "enterprise", "input_price": "3", "owner": 1, "deployments": [deployment]}
    )

    assert (made.body["owner"], made.body["tier"], made.body["input_price"]) == (bea.pk, "free", None)
    assert (made.body["deployments"][0]["rpm"], made.body["deployments"][0]["input_price"]) == (None, None)


def test_who_may_not_keep_models_keeps_none(charlie: Api, nobody: Api) -> None:
    reader = person("rita")

    assert charlie.post(MODELS, {"name": "x"}).status == 403
    assert Api(reader).get(f"{MODELS}?mine=true").status == 403
    assert nobody.post(MODELS, {"name": "x"}).status == 401


def test_they_are_so_many_and_no_more(bea: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_models, "MOST", 1)
    api = Api(bea)

    assert api.post(MODELS, {"name": "one"}).status == 201
    assert (api.post(MODELS, {"name": "two"}).status, api.post(MODELS, {"name": "three"}).code) == (
        409,
        "too_many_models",
    )


def test_a_key_and_a_model_stay_with_their_owner(alice: Api, bea: User, beas_key: ProviderKey) -> None:
    """Else what the platform pays for would be free for somebody, or consumers' calls go over a key of one of them."""
    key, model = ProviderKey.objects.get(pk=alice.key()["id"]), LLMModel.objects.get(pk=alice.model()["id"])

    for given, owner in ((key, bea), (beas_key, None)):
        with pytest.raises(Unprocessable, match="stays with its owner"):
            provider_keys.update(key=given, fields={"owner": owner})
    with pytest.raises(Unprocessable, match="stays with its owner"):
        catalog.update_model(model=model, values={"owner": bea})
    assert "owner" in admin.site._registry[LLMModel].get_readonly_fields(HttpRequest(), model)
    assert "owner" not in str(admin.site._registry[ProviderKey].get_fieldsets(HttpRequest()))
