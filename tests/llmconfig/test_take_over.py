"""Keys and hosts of the environment: taken over at every start, never over what an operator set."""

import logging
from secrets import token_hex
from typing import Any

import pytest

from llmconfig import starting_catalog
from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderKey
from llmconfig.services import active, first_catalog, platform_keys, provider_keys, servers, take_over
from llmconfig.snapshot import load
from opscenter.core import secrets
from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import AuditEntry
from opscenter.core.tiers import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.once]

GROQ, OPENAI, OTHER = (f"key-{token_hex(12)}{tail}" for tail in ("aa11", "bb22", "cc33"))


@pytest.fixture
def environment(settings: Any) -> dict[str, dict[str, str]]:
    settings.PLATFORM_API_KEYS = {"openrouter": "", "openai": "", "groq": ""}
    settings.AI_SERVER_HOSTS = {"vllm": "", "ollama": ""}
    return {"keys": settings.PLATFORM_API_KEYS, "hosts": settings.AI_SERVER_HOSTS}


def start() -> list[Any]:
    with acting_as(Actor.command("serve")):
        first_catalog.fill()
        return take_over.take_over()


def key_of(slug: str) -> ProviderKey:
    key = platform_keys.find(slug)
    assert key is not None
    return key


def plaintext(key: ProviderKey) -> str:
    assert key.encrypted_key is not None
    return secrets.reveal(key.encrypted_key, owner=key)


def chat() -> ActiveProvider:
    return ActiveProvider.objects.complete().get(purpose="chat")


def test_a_fresh_catalog_has_four_tiers_that_wait_for_their_keys(environment: Any) -> None:
    start()

    assert set(LLMModel.objects.values_list("tier", flat=True)) == set(Tier.values)
    rows = {row.model.name: row for row in Deployment.objects.complete()}
    assert (rows["llama3-70b-groq"].rpm, rows["llama3-70b-groq"].tpm) == (30, 14_400)
    assert str(rows["mixtral-8x22b-together"].provider) == "together: Default Together AI Key"
    assert LLMModel.objects.get(name="llama3-8b-ollama").privacy == "high"
    assert all(model.targets == () for model in load().models.values())
    assert not ActiveProvider.objects.exists()


def test_its_prices_are_those_of_the_tiers() -> None:
    bounds = {"free": (0, 0), "starter": (2, 3), "professional": (8, 10), "enterprise": (15, 15)}
    for offer in starting_catalog.offers():
        least, most = bounds[offer.model["tier"]]
        assert least <= offer.rates["input_price"] == offer.rates["output_price"] <= most, offer.name


def test_it_is_filled_once_and_what_was_deleted_stays_away(environment: Any) -> None:
    start()
    Deployment.objects.all().delete()
    LLMModel.objects.all().delete()
    ProviderKey.objects.all().delete()
    AIServer.objects.all().delete()

    assert start() == []
    assert not LLMModel.objects.exists()


def test_a_key_of_the_environment_makes_its_models_answer_and_the_easiest_to_call_active(environment: Any) -> None:
    environment["keys"]["groq"] = GROQ

    assert [str(row) for row in start()] == ["groq: Default Groq Key"]
    assert platform_keys.source_of(key_of("groq")) == "environment"
    assert (chat().primary, chat().default_model) == (key_of("groq"), "gpt-oss-120b-groq")
    assert load().actives["chat"].primary[0].api_key == GROQ
    assert GROQ not in "".join(str(entry.changes) for entry in AuditEntry.objects.all())


def test_an_operators_own_key_makes_the_waiting_models_answer(environment: Any) -> None:
    start()
    provider_keys.create(fields={"provider": "openai", "key_name": "off", "enabled": False}, api_key=OTHER)
    assert load().models["gpt-4o"].targets == ()

    ours = provider_keys.create(fields={"provider": "openai", "key_name": "Ours"}, api_key=OPENAI)

    (target,) = load().models["gpt-4o"].targets
    assert (target.api_key, target.provider_id) == (OPENAI, ours.pk)
    assert load().models["llama3-70b-groq"].targets == ()


def test_another_start_changes_nothing_and_another_key_replaces_it(environment: Any) -> None:
    environment["keys"]["groq"] = GROQ
    start()
    entries = AuditEntry.objects.count()
    assert start() == []
    assert AuditEntry.objects.count() == entries

    environment["keys"]["groq"] = OTHER
    start()
    assert plaintext(key_of("groq")) == OTHER
    assert platform_keys.source_of(key_of("groq")) == "environment"


def test_a_key_that_an_operator_set_is_never_overwritten(environment: Any) -> None:
    environment["keys"]["groq"] = GROQ
    start()
    platform_keys.put("groq", api_key=OTHER)
    provider_keys.create(fields={"provider": "openai", "key_name": "Ours"}, api_key=OTHER)
    environment["keys"]["openai"] = OPENAI

    assert start() == []
    assert [plaintext(key_of(slug)) for slug in ("groq", "openai")] == [OTHER, OTHER]
    assert platform_keys.source_of(key_of("groq")) == "database"


def test_a_key_that_was_taken_over_and_can_not_be_read_any_more_is_mended(environment: Any) -> None:
    environment["keys"]["groq"] = GROQ
    start()
    secret = key_of("groq").encrypted_key
    assert secret is not None
    type(secret).objects.filter(pk=secret.pk).update(ciphertext=b"of another ring")

    start()
    assert plaintext(key_of("groq")) == GROQ


def test_the_first_one_that_is_usable_becomes_active(environment: Any) -> None:
    environment["keys"]["openrouter"] = OTHER
    environment["keys"]["openai"] = OPENAI
    first_catalog.fill()
    Deployment.objects.filter(key__provider="openrouter").update(enabled=False)

    start()
    assert chat().primary == key_of("openai")
    assert chat().fallback is None


def test_whoever_is_active_stays_so(environment: Any) -> None:
    ours = servers.create(
        fields={"name": "gpu", "server_type": "vllm", "base_url": "http://10.0.0.7", "model_path": "q"}
    )
    active.set_active(purpose="chat", primary=ours)
    environment["keys"]["groq"] = GROQ

    start()
    assert chat().primary == ours


def test_hosts_become_servers_that_follow_them(environment: Any) -> None:
    environment["hosts"]["vllm"] = "gpu1"
    start()
    server = AIServer.objects.get(server_type="vllm")
    assert (server.name, server.base_url, server.enabled) == ("Default vLLM Server", "http://gpu1:8000", True)
    assert (chat().primary, chat().default_model) == (server, "qwen-32b-vllm")
    assert not AIServer.objects.get(server_type="ollama").enabled

    environment["hosts"]["vllm"] = "http://gpu2:9000/"
    assert [str(row) for row in start()] == ["Default vLLM Server"]
    server.refresh_from_db()
    assert server.base_url == "http://gpu2:9000"

    servers.update(server=server, fields={"base_url": "http://gpu3:8000", "enabled": False})
    assert start() == []


def test_a_server_that_was_switched_off_stays_off(environment: Any) -> None:
    environment["hosts"]["ollama"] = "127.0.0.1:11434"
    start()
    servers.update(server=AIServer.objects.get(server_type="ollama"), fields={"enabled": False})

    assert start() == []
    assert not AIServer.objects.get(server_type="ollama").enabled


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("gpu1", "http://gpu1:11434"),
        ("gpu1:80", "http://gpu1:80"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("https://ollama.example/", "https://ollama.example"),
    ],
)
def test_a_host_is_written_in_several_ways(host: str, url: str) -> None:
    assert take_over.url_of(host, "ollama") == url


def test_what_can_not_be_taken_over_is_told_and_keeps_nothing_from_starting(
    environment: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = False
    environment["hosts"]["vllm"] = "10.0.0.7"
    environment["keys"] |= {"groq": GROQ, "openai": "your-openai-key-here"}

    with caplog.at_level(logging.WARNING, logger=take_over.__name__):
        taken = start()

    assert [str(row) for row in taken] == ["groq: Default Groq Key"]
    assert "The host of vllm in the environment is not taken over" in caplog.text
    assert "The API key of openai in the environment is not taken over: It is a placeholder." in caplog.text
    assert "your-openai" not in caplog.text
    assert not AIServer.objects.exists()
