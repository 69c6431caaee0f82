"""Starting: what the first start makes, and that later ones make nothing anew."""

from secrets import token_hex
from typing import Any

import pytest

from credits.amounts import to_nano
from credits.services.wallets import wallet_of
from gateway.models import VirtualKey
from gateway.services.keys import hash_key
from llmconfig import starting_catalog
from llmconfig.models import ActiveProvider, AIServer, LLMModel, ProviderKey
from llmconfig.services import active, provider_keys, servers
from llmconfig.snapshot import load
from opscenter import bootstrap
from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PORT = 18085
PROVIDERS = ("vllm", "openrouter")


@pytest.fixture(autouse=True)
def short_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of an AI server and one of a provider: the whole one would be filled in for every test."""
    offers = {offer.provider: offer for offer in starting_catalog.offers() if offer.provider in PROVIDERS}
    assert set(offers) == set(PROVIDERS)
    monkeypatch.setattr(starting_catalog, "offers", lambda: tuple(offers.values()))


def start(port: int = PORT) -> bootstrap.Start:
    with acting_as(Actor.command("run")):
        return bootstrap.prepare(demo_port=port)


def own_server(name: str = "gpu1", **fields: Any) -> AIServer:
    return servers.create(
        fields={"name": name, "server_type": "vllm", "base_url": "http://10.0.0.7:8000", "model_path": "qwen", **fields}
    )


def demo() -> AIServer:
    return AIServer.objects.get(name=bootstrap.DEMO_SERVER_NAME)


def test_the_first_start_makes_an_admin_whose_password_is_told_once_and_must_be_changed() -> None:
    password = start().admin_password
    admin = User.objects.get(username="admin")
    assert password is not None
    assert admin.check_password(password)
    assert admin.is_superuser
    assert admin.is_staff
    assert admin.must_change_password


def test_the_first_start_issues_one_key_with_credits_on_the_starter_tier() -> None:
    key = start().key
    assert key is not None
    issued = VirtualKey.objects.get(secret_hash=hash_key(key))
    wallet = wallet_of(User.objects.get(username="demo"))
    assert issued.account == wallet
    assert issued.user.has_perm("llm.execute")
    assert (wallet.posted, wallet.tier) == (to_nano("1000"), "starter")


def test_the_first_start_offers_the_demo_model_at_a_price_and_makes_it_active() -> None:
    assert start().demo_port == PORT
    catalog = load()
    (target,) = catalog.actives["chat"].primary
    assert target.api_base == f"http://127.0.0.1:{PORT}/v1"
    assert target.provider_label == bootstrap.DEMO_SERVER_NAME
    assert target.price is not None
    assert target.price.output > 0


def test_a_later_start_makes_no_secrets_and_changes_nothing() -> None:
    start()
    entries = AuditEntry.objects.count()
    again = start()
    assert (again.admin_password, again.key, again.demo_port) == (None, None, PORT)
    assert AuditEntry.objects.count() == entries


def test_whoever_has_a_superuser_gets_no_other_admin() -> None:
    User.objects.create_superuser("alice", password="a password of alice's own")
    assert start().admin_password is None
    assert not User.objects.filter(username="admin").exists()


def test_a_plain_user_called_admin_is_left_as_it_is() -> None:
    User.objects.create_user("admin", password="a password of their own")
    assert start().admin_password is None
    assert not User.objects.get(username="admin").is_superuser


def test_the_demo_server_follows_its_port() -> None:
    start()
    start(PORT + 7)
    assert demo().base_url == f"http://127.0.0.1:{PORT + 7}"


def test_what_is_registered_is_audited_as_done_by_the_command() -> None:
    start()
    assert set(AuditEntry.objects.filter(entity_type="ai_servers").values_list("source", flat=True)) == {"command:run"}


def test_the_demo_server_is_not_registered_beside_an_ai_server() -> None:
    own_server()
    assert start().demo_port is None
    assert not LLMModel.objects.exists()
    assert not ActiveProvider.objects.exists()


def test_the_demo_server_is_not_registered_beside_a_provider_key() -> None:
    provider_keys.create(fields={"provider": "openai", "key_name": "Ours"}, api_key=token_hex(20))
    assert start().demo_port is None


def test_the_demo_server_is_registered_beside_a_catalog_that_waits_for_its_keys() -> None:
    assert start().demo_port == PORT
    assert LLMModel.objects.count() == len(PROVIDERS) + 1
    assert AIServer.objects.filter(enabled=True).get() == demo()
    assert {name for name, model in load().models.items() if model.targets} == {"demo"}


def test_a_key_of_the_environment_answers_instead_of_the_demo_server(settings: Any) -> None:
    start()
    settings.PLATFORM_API_KEYS = {"openrouter": f"key-{token_hex(20)}"}
    assert start().demo_port is None
    assert str(ActiveProvider.objects.get(purpose="chat").primary) == "openrouter: Default OpenRouter Key"


def test_a_key_of_a_consumer_is_no_provider_of_the_platform() -> None:
    ProviderKey.objects.create(provider="openai", key_name="Bob's", owner=User.objects.create_user("bob"))
    assert start().demo_port == PORT


def test_the_demo_server_goes_on_while_it_is_active() -> None:
    start()
    own_server()
    assert start().demo_port == PORT


def test_the_demo_server_rests_once_another_provider_is_active() -> None:
    start()
    active.set_active(purpose="chat", primary=own_server(), default_model="qwen")
    assert start().demo_port is None
    assert demo().enabled


def test_the_demo_model_is_offered_only_while_its_server_is_started() -> None:
    start()
    ours = own_server()
    active.set_active(purpose="chat", primary=ours, default_model="qwen")
    start()
    assert load().models["demo"].targets == ()
    AIServer.objects.filter(pk=demo().pk).update(base_url="http://127.0.0.1:9")
    active.clear(purpose="chat")
    AIServer.objects.filter(pk=ours.pk).delete()
    start()
    assert [target.provider_label for target in load().models["demo"].targets] == [bootstrap.DEMO_SERVER_NAME]


def test_a_demo_server_that_an_operator_disabled_stays_so() -> None:
    start()
    AIServer.objects.update(enabled=False)
    assert start().demo_port is None


def test_an_active_provider_is_never_replaced() -> None:
    start()
    ours = own_server()
    active.set_active(purpose="chat", primary=ours, default_model="qwen", fallback=demo(), fallback_model="demo")
    assert start().demo_port == PORT
    assert ActiveProvider.objects.get().primary == ours


def test_without_private_servers_there_is_no_demo(settings: Any) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = False
    assert start().demo_port is None
    assert not AIServer.objects.exists()
