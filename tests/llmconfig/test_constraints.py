"""The database repeats every rule that matters: raw writes that break one are refused."""

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, Price, ProviderKey
from opscenter.core.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> AIServer:
    return AIServer.objects.create(name="gpu", server_type="vllm", base_url="http://gpu.example")


@pytest.fixture
def key() -> ProviderKey:
    return ProviderKey.objects.create(provider="openai", key_name="main")


@pytest.fixture
def model() -> LLMModel:
    return LLMModel.objects.create(name="m1")


def _refused(kind: type[models.Model], constraint: str, **fields: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        kind._default_manager.create(**fields)


def test_an_active_pointer_points_to_exactly_one(server: AIServer, key: ProviderKey) -> None:
    one = "active_has_one_primary"

    _refused(ActiveProvider, one, purpose="chat", default_model="x")
    _refused(ActiveProvider, one, purpose="chat", primary_server=server, primary_key=key)
    _refused(
        ActiveProvider,
        "active_has_one_fallback_at_most",
        purpose="chat",
        primary_server=server,
        fallback_server=server,
        fallback_key=key,
    )
    ActiveProvider.objects.create(purpose="chat", primary_server=server, fallback_key=key)


def test_a_purpose_has_one_active_row_and_is_a_known_one(server: AIServer) -> None:
    ActiveProvider.objects.create(purpose="chat", primary_server=server)

    _refused(ActiveProvider, "(?i)unique", purpose="chat", primary_server=server)
    _refused(ActiveProvider, "active_purpose_known", purpose="painting", primary_server=server)


def test_a_deployment_is_on_exactly_one(server: AIServer, key: ProviderKey, model: LLMModel) -> None:
    one = "deployment_on_exactly_one"

    _refused(Deployment, one, model=model, upstream_model="x")
    _refused(Deployment, one, model=model, upstream_model="x", server=server, key=key)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"upstream_model": ""}, "deployment_values_usable"),
        ({"weight": 0}, "deployment_values_usable"),
        ({"timeout_s": 0}, "deployment_values_usable"),
        ({"transport": "pigeon"}, "deployment_choices_known"),
        ({"max_tokens_param": "tokens"}, "deployment_choices_known"),
    ],
)
def test_a_deployments_values_are_usable(
    server: AIServer, model: LLMModel, fields: dict[str, Any], constraint: str
) -> None:
    _refused(Deployment, constraint, **{"model": model, "server": server, "upstream_model": "x", **fields})


def test_a_place_is_taken_once(server: AIServer, model: LLMModel) -> None:
    Deployment.objects.create(model=model, server=server, upstream_model="x")

    _refused(Deployment, "(?i)unique", model=model, server=server, upstream_model="x")


def test_platform_names_are_taken_once_and_personal_ones_per_owner(model: LLMModel, key: ProviderKey) -> None:
    dora = User.objects.create_user("dora")

    _refused(LLMModel, "(?i)unique", name="m1")
    LLMModel.objects.create(name="m1", owner=dora)
    _refused(LLMModel, "(?i)unique", name="m1", owner=dora)
    _refused(ProviderKey, "(?i)unique", provider="openai", key_name="main")
    ProviderKey.objects.create(provider="openai", key_name="main", owner=dora)
    _refused(ProviderKey, "(?i)unique", provider="openai", key_name="main", owner=dora)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"name": ""}, "model_is_named"),
        ({"purpose": "painting"}, "model_purpose_known"),
        ({"tier": "gold"}, "model_tier_known"),
        ({"quality_score": "1.5"}, "model_quality_in_range"),
        ({"max_output_tokens": 0}, "model_sizes_positive"),
    ],
)
def test_a_models_values_are_usable(fields: dict[str, Any], constraint: str) -> None:
    _refused(LLMModel, constraint, **{"name": "m2", **fields})


def test_a_server_is_of_a_known_type() -> None:
    _refused(AIServer, "ai_server_type_known", name="a", server_type="toaster", base_url="http://a.example")


def test_a_price_is_numbered_once_and_never_negative(model: LLMModel) -> None:
    Price.objects.create(model=model, number=1, input_price=1)

    _refused(Price, "(?i)unique", model=model, number=1, input_price=2)
    _refused(Price, "price_numbers_start_at_one", model=model, number=0, input_price=2)
    _refused(Price, "price_not_negative", model=model, number=2, input_price=1, output_price=-1)
    _refused(Price, "price_has_an_input_rate", model=model, number=2, output_price=1)


def test_what_is_active_or_deployed_can_not_be_deleted_raw(server: AIServer, model: LLMModel) -> None:
    Deployment.objects.create(model=model, server=server, upstream_model="x")

    with pytest.raises(models.ProtectedError):
        server.delete()
