"""Keys and hosts of the environment: taken over at every start, never over what an operator set."""

from typing import Any

import pytest

from llmconfig.models import ActiveProvider, AIServer, Deployment, ProviderKey
from llmconfig.services import active, platform_keys, provider_keys, servers, take_over
from llmconfig.snapshot import load
from opscenter.core import secrets
from opscenter.core.models import AuditEntry
from tests.llmconfig.starting import GROQ, OPENAI, OTHER, start

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("filled_catalog")]


def key_of(slug: str) -> ProviderKey:
    key = platform_keys.find(slug)
    assert key is not None
    return key


def plaintext(key: ProviderKey) -> str:
    assert key.encrypted_key is not None
    return secrets.reveal(key.encrypted_key, owner=key)


def chat() -> ActiveProvider:
    return ActiveProvider.objects.complete().get(purpose="chat")


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
