"""The snapshot: what can be called, and what is left out."""

from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext

from llmconfig import snapshot, upstreams
from llmconfig.models import AIServer, ProviderKey
from llmconfig.snapshot import FREE, Catalog
from opscenter.core import secrets
from opscenter.core.models import Secret
from tests.llmconfig.api import OPENAI_SECRET, SERVER_SECRET, Api, chat_on, on_key, on_server


def _keys(catalog: Catalog, model: str) -> list[str]:
    return [target.key for target in catalog.models[model].targets]


def test_a_server_target_has_all_that_a_call_needs(alice: Api) -> None:
    server = alice.server(api_key=SERVER_SECRET)
    made = alice.model(
        on_server(server, timeout_s=30, weight=2),
        tier="starter",
        input_price="2",
        output_price="3",
        cached_input_price=None,
        max_output_tokens=4000,
        context_window=8000,
        quality_score="0.75",
    )

    (target,) = snapshot.load().models["m1"].targets

    deployment_id = made["deployments"][0]["id"]
    assert (target.key, target.deployment_id) == (f"d:{deployment_id}", deployment_id)
    assert (target.model_name, target.upstream_model, target.purpose, target.tier) == (
        "m1",
        "x",
        "chat",
        "starter",
    )
    assert (target.provider, target.provider_label, target.server_type) == ("local", "gpu", "vllm")
    assert (target.api_base, target.api_key) == ("http://gpu.example:8000/v1", SERVER_SECRET)
    assert (target.transport, target.litellm_provider, target.max_tokens_param) == (
        "relay",
        "hosted_vllm",
        "max_tokens",
    )
    assert (target.timeout_s, target.weight, target.context_window, target.max_output_tokens) == (
        30,
        2,
        8000,
        4000,
    )
    assert (target.quality_score, target.is_private_network) == (Decimal("0.75"), True)
    price = target.price
    assert price.price_id is not None
    assert (price.input, price.cached_input, price.cache_write, price.output) == (
        Decimal(2),
        Decimal(2),
        Decimal(2),
        Decimal(3),
    )


def test_a_key_target_goes_to_its_provider(alice: Api) -> None:
    alice.model(on_key(alice.key()), input_price="1")

    (target,) = snapshot.load().models["m1"].targets

    assert (target.provider, target.provider_label, target.server_type) == ("openai", "OpenAI", None)
    assert (target.api_base, target.api_key) == ("https://api.openai.com/v1", OPENAI_SECRET)
    assert (target.litellm_provider, target.max_tokens_param) == ("openai", "max_completion_tokens")
    assert (target.transport, target.is_private_network) == ("relay", False)


def test_a_keys_deployment_without_a_price_is_left_out(alice: Api) -> None:
    made = alice.model(on_key(alice.key()))
    assert snapshot.load().models["m1"].targets == ()

    alice.patch(f"models/{made['id']}", {"input_price": "0"})

    assert len(snapshot.load().models["m1"].targets) == 1


def test_a_withdrawn_price_makes_it_uncallable_again(alice: Api) -> None:
    made = alice.model(on_key(alice.key()), input_price="1")

    alice.patch(f"models/{made['id']}", {"input_price": None})

    assert snapshot.load().models["m1"].targets == ()


def test_a_servers_deployment_is_free_unless_priced(alice: Api) -> None:
    server = alice.server()
    alice.model(on_server(server))
    alice.model(on_server(server), name="m2", input_price="1")

    models = snapshot.load().models

    assert models["m1"].targets[0].price == FREE
    assert models["m1"].targets[0].price.is_free
    assert models["m2"].targets[0].price.input == 1


def test_a_deployments_own_price_goes_before_the_models(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key, "a", input_price="0.5"), on_key(key, "b"), input_price="1", output_price="9")

    prices = {target.upstream_model: target.price for target in snapshot.load().models["m1"].targets}

    assert (prices["a"].input, prices["a"].output) == (Decimal("0.5"), Decimal("0.5"))
    assert (prices["b"].input, prices["b"].output) == (Decimal(1), Decimal(9))


def test_what_is_disabled_is_left_out(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    made = alice.model(on_server(server, "a"), on_server(server, "b", enabled=False), on_key(key), input_price="1")
    assert len(_keys(snapshot.load(), "m1")) == 2

    alice.patch(f"api-keys/{key['id']}", {"enabled": False})
    assert [target.upstream_model for target in snapshot.load().models["m1"].targets] == ["a"]
    alice.patch(f"servers/{server['id']}", {"enabled": False})
    assert snapshot.load().models["m1"].targets == ()
    alice.patch(f"models/{made['id']}", {"enabled": False})
    assert snapshot.load().models == {}


def test_keys_not_meant_for_the_platform_are_left_out(alice: Api) -> None:
    alice.model(on_key(alice.key(use_for_ops_center=False)), input_price="1")

    assert snapshot.load().models["m1"].targets == ()


def test_servers_are_only_used_for_their_purposes(alice: Api) -> None:
    alice.model(on_server(alice.server()), purpose="embeddings")

    assert snapshot.load().models["m1"].targets == ()


def test_targets_are_in_the_order_of_their_priority(alice: Api) -> None:
    server = alice.server()
    alice.model(
        on_server(server, "late", priority=9),
        on_server(server, "first"),
        on_server(server, "mid", priority=4),
    )

    assert [target.upstream_model for target in snapshot.load().models["m1"].targets] == [
        "first",
        "mid",
        "late",
    ]


def test_an_active_server_answers_for_a_model_outside_the_catalog(alice: Api) -> None:
    server = alice.server()
    alice.post("active", chat_on("ai_server", server, "qwen"))

    catalog = snapshot.load()

    active = catalog.actives["chat"]
    (target,) = active.primary
    assert (target.key, target.deployment_id, target.price) == (f"s:{server['id']}:qwen", None, FREE)
    assert (target.model_name, target.upstream_model, target.tier) == ("qwen", "qwen", "free")
    assert (active.default_model, active.fallback, active.fallback_model) == ("qwen", (), "")
    assert catalog.by_upstream["qwen"] == catalog.by_provider["gpu", "qwen"] == (target,)
    assert catalog.models == {}


@pytest.mark.parametrize("name", ["m1", "x"])
def test_an_active_server_answers_by_its_deployment_where_there_is_one(alice: Api, name: str) -> None:
    server = alice.server()
    made = alice.model(on_server(server), input_price="7")
    alice.post("active", chat_on("ai_server", server, name))

    (target,) = snapshot.load().actives["chat"].primary

    assert (target.deployment_id, target.price.input) == (made["deployments"][0]["id"], Decimal(7))


def test_disabling_the_active_deployment_does_not_make_it_free(alice: Api) -> None:
    server = alice.server()
    made = alice.model(on_server(server), input_price="7")
    alice.post("active", chat_on("ai_server", server, "x"))

    alice.patch(f"deployments/{made['deployments'][0]['id']}", {"enabled": False})

    catalog = snapshot.load()
    assert catalog.actives["chat"].primary == ()
    assert catalog.by_upstream == {}


def test_an_active_server_that_is_disabled_leaves_the_fallback(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    alice.model(on_key(key), input_price="1")
    fallback = {
        "fallback_provider_type": "api_key",
        "fallback_provider_id": key["id"],
        "fallback_model": "m1",
    }
    alice.post("active", chat_on("ai_server", server, "qwen", **fallback))

    alice.patch(f"servers/{server['id']}", {"enabled": False})

    active = snapshot.load().actives["chat"]
    assert (active.primary, [target.upstream_model for target in active.fallback]) == ((), ["gpt-x"])


def test_an_active_server_withdrawn_from_its_purpose_does_not_answer(alice: Api) -> None:
    server = alice.server()
    alice.post("active", chat_on("ai_server", server, "qwen"))

    alice.patch(f"servers/{server['id']}", {"use_for_chat": False})

    assert snapshot.load().actives["chat"].primary == ()


def test_an_active_model_means_a_deployment_of_its_purpose(alice: Api) -> None:
    server = alice.server(use_for_embeddings=True)
    alice.model(on_server(server), name="words", purpose="embeddings", input_price="9")
    alice.model(on_server(server), name="talk", input_price="1")
    alice.post("active", chat_on("ai_server", server, "x"))

    assert [target.model_name for target in snapshot.load().actives["chat"].primary] == ["talk"]


def test_servers_are_public_where_private_addresses_are_forbidden(alice: Api, settings: object) -> None:
    alice.model(on_server(alice.server()))
    settings.ALLOW_PRIVATE_AI_SERVERS = False  # type: ignore[attr-defined]  # pytest-django's settings

    assert not snapshot.load().models["m1"].targets[0].is_private_network


def test_targets_are_found_by_upstream_id_and_by_provider(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    alice.model(on_server(server, "same"), on_key(key, "same"), input_price="1")

    catalog = snapshot.load()

    assert [target.provider for target in catalog.by_upstream["same"]] == ["local", "openai"]
    for name in ("m1", "same"):
        assert [target.provider for target in catalog.by_provider["gpu", name]] == ["local"]
        assert [target.provider for target in catalog.by_provider["openai", name]] == ["openai"]
    assert ("openai", "m2") not in catalog.by_provider


@pytest.mark.parametrize(
    ("provider", "wanted", "default", "transport"),
    [
        ("openai", "auto", "auto", "relay"),
        ("openai", "auto", "litellm", "litellm"),
        ("openai", "relay", "litellm", "relay"),
        ("openai", "litellm", "relay", "litellm"),
        ("anthropic", "auto", "relay", "litellm"),
        ("perplexity", "auto", "auto", "litellm"),
    ],
)
def test_the_transport_is_settled(
    alice: Api, settings: object, provider: str, wanted: str, default: str, transport: str
) -> None:
    settings.DEFAULT_TRANSPORT = default  # type: ignore[attr-defined]  # pytest-django's settings
    alice.model(on_key(alice.key(provider=provider), transport=wanted), input_price="1")

    assert snapshot.load().models["m1"].targets[0].transport == transport


def test_a_provider_can_be_put_elsewhere_by_the_deployment(alice: Api, settings: object) -> None:
    settings.PROVIDER_API_BASES = {"openai": "http://127.0.0.1:9/v1/"}  # type: ignore[attr-defined]  # as above
    alice.model(on_key(alice.key()), input_price="1")

    (target,) = snapshot.load().models["m1"].targets

    assert (target.api_base, target.is_private_network) == ("http://127.0.0.1:9/v1", True)


def test_an_unreadable_secret_is_left_out_and_told_once(alice: Api, caplog: pytest.LogCaptureFixture) -> None:
    server, key = alice.server(api_key=SERVER_SECRET), alice.key()
    alice.model(on_server(server), on_key(key), on_server(alice.server(name="open"), "y"), input_price="1")
    Secret.objects.filter(entity_type="llm_api_keys").update(ciphertext=Fernet(Fernet.generate_key()).encrypt(b"x"))

    first, second = snapshot.load(), snapshot.load()

    assert [target.provider_label for target in first.models["m1"].targets] == ["gpu", "open"]
    assert first == second
    told = [record.getMessage() for record in caplog.records if record.name == upstreams.__name__]
    assert len(told) == 1
    assert "openai: main is left out" in told[0]


def test_only_what_is_new_is_decrypted(alice: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.model(on_server(alice.server(api_key=SERVER_SECRET)), on_key(alice.key()), input_price="1")
    snapshot.load()
    revealed: list[object] = []
    reveal = secrets.reveal

    def counting(secret: Secret, *, owner: AIServer | ProviderKey) -> str:
        revealed.append(owner)
        return reveal(secret, owner=owner)

    monkeypatch.setattr(secrets, "reveal", counting)
    alice.key(key_name="new")
    revealed.clear()
    snapshot.load()

    assert revealed == [ProviderKey.objects.get(key_name="new")]


def test_the_number_of_queries_does_not_grow(alice: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            snapshot.load()
        return len(captured)

    server, key = alice.server(api_key=SERVER_SECRET), alice.key()
    alice.model(on_server(server), on_key(key), input_price="1")
    alice.post("active", chat_on("ai_server", server, "m1"))
    few = queries()
    for number in range(5):
        other = alice.server(name=f"s{number}", api_key=SERVER_SECRET)
        alice.model(on_server(other), on_key(key, input_price="2"), name=f"m{number}x", input_price="1")

    assert queries() == few <= 7
