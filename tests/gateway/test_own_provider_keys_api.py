"""/api/v1/llm/providers: keys of one's own are added, changed and removed by their owner, and shown to nobody."""

from secrets import token_hex
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from credits.services import wallets
from llmconfig.models import KeyTrial, ProviderKey
from llmconfig.services import key_trials, own_keys
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Answer, Api
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PROVIDERS = "/api/v1/llm/providers"
OWN, NEXT = (f"sk-{token_hex(16)}{end}" for end in ("5d80", "77aa"))


@pytest.fixture(autouse=True)
def openai_is_the_test_upstream(upstream: Upstream, settings: Settings) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}


@pytest.fixture
def bea() -> User:
    return person("bea", "LLM user", tier="starter")


def add(user: User, **fields: Any) -> Answer:
    return Api(user).post(PROVIDERS, {"provider": "openai", "api_key": OWN, **fields})


def of(made: Answer) -> str:
    return f"{PROVIDERS}/{made.body['id']}"


def test_a_key_is_tried_stored_and_never_shown_again(bea: User, upstream: Upstream) -> None:
    made = add(bea)

    assert made.status == 201, made.text
    assert (made.body["masked_key"], made.body["byok_only"], made.body["unused_because"]) == ("****5d80", True, "")
    assert made.body["health"]["status"] == "healthy"
    assert [call.headers["authorization"] for call in upstream.calls] == [f"Bearer {OWN}"]
    api = Api(bea)
    shown = [made.text, api.get(PROVIDERS).text, api.get(of(made)).text, api.post(f"{of(made)}/test").text]
    shown += [str(entry.changes) for entry in AuditEntry.objects.all()]
    assert not [text for text in shown if OWN in text]
    assert {entry.user_id for entry in AuditEntry.objects.filter(entity_type="llm_api_keys")} == {bea.pk}


def test_what_the_provider_does_not_take_is_not_stored(bea: User, upstream: Upstream) -> None:
    for fault in ("status-401", "status-429", "status-500", "garbage-json"):
        upstream.behave("/v1/models", fault)
        refused = add(bea)
        assert (refused.status, refused.code, OWN in refused.text) == (422, "key_refused", False)

    assert not ProviderKey.objects.exists()


def test_addresses_are_the_providers_and_nobody_elses(bea: User, upstream: Upstream) -> None:
    made = add(bea, api_base="http://169.254.169.254/", base_url="http://10.0.0.1/", server_type="vllm")
    other = add(bea, provider="perplexity")

    assert ProviderKey.objects.get(pk=made.body["id"]).known_provider.api_base == upstream.base_url
    assert (other.status, other.code) == (422, "provider_not_offered")
    offered = Api(bea).get(f"{PROVIDERS}/available").body["results"]
    assert {"provider": "openai", "name": "OpenAI"} in offered


def test_it_is_renamed_disabled_replaced_and_removed(bea: User, upstream: Upstream) -> None:
    api, made = Api(bea), add(bea)

    changed = api.patch(of(made), {"enabled": False, "byok_only": False, "key_name": "work"}, if_match=made.etag)
    assert (changed.body["key_name"], changed.body["unused_because"]) == ("work", "It is disabled.")
    assert api.patch(of(made), {"enabled": True}, if_match=made.etag).status == 412
    rotated = api.post(f"{of(made)}/rotate", {"api_key": NEXT}, if_match=changed.etag)
    assert (rotated.status, rotated.body["masked_key"]) == (200, "****77aa")
    assert api.post(f"{of(made)}/rotate", {"api_key": OWN}, if_match=changed.etag).status == 412
    upstream.behave("/v1/models", "status-401")
    assert api.post(f"{of(made)}/rotate", {"api_key": OWN}).code == "key_refused"
    tested = api.post(f"{of(made)}/test")
    assert (tested.body["probe"]["status"], tested.body["key"]["health"]["status"]) == ("unhealthy", "unhealthy")
    assert api.delete(of(made)).status == 204
    assert api.get(PROVIDERS).body["count"] == 0


def test_nobody_else_sees_or_touches_it(bea: User, alice: Api) -> None:
    made = add(bea)

    for api in (alice, Api(person("carl", "LLM user", tier="enterprise"))):
        assert api.get(PROVIDERS).body["count"] == 0
        assert {
            api.get(of(made)).status,
            api.patch(of(made), {"enabled": False}).status,
            api.delete(of(made)).status,
            api.post(f"{of(made)}/test").status,
            api.post(f"{of(made)}/rotate", {"api_key": NEXT}).status,
        } == {404}
    assert alice.get(f"api-keys/{made.body['id']}").status == 404
    assert alice.post(f"api-keys/{made.body['id']}/rotate", {"api_key": NEXT}).status == 404


def test_a_tier_that_is_too_low_adds_none_and_uses_none(bea: User) -> None:
    made, wallet = add(bea), wallets.wallet_of(bea)
    wallets.set_tier(account=wallet, tier="free")

    refused = add(bea, key_name="second")

    assert (refused.status, refused.code) == (403, "tier_too_low")
    assert refused.body["error"]["details"] == {"required_tier": "starter", "tier": "free"}
    (listed,) = Api(bea).get(PROVIDERS).body["results"]
    assert (listed["id"], "from the tier starter on" in listed["unused_because"]) == (made.body["id"], True)
    assert Api(bea).delete(of(made)).status == 204


def test_what_an_operator_blocks_its_owner_can_not_free(bea: User) -> None:
    made = add(bea)
    own_keys.block(key=ProviderKey.objects.get(pk=made.body["id"]))

    changed = Api(bea).patch(of(made), {"enabled": True, "blocked": False})

    assert (changed.body["blocked"], changed.body["unused_because"]) == (True, "An operator has blocked it.")
    own_keys.unblock(key=ProviderKey.objects.get(pk=made.body["id"]))
    assert Api(bea).get(of(made)).body["unused_because"] == ""


def test_they_are_so_many_and_no_more(bea: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_keys, "MOST", 1)

    assert add(bea).status == 201
    assert (add(bea, key_name="b").status, add(bea, key_name="b").code) == (409, "too_many_provider_keys")


def test_keys_are_for_people_and_not_for_virtual_keys(bea: User) -> None:
    bearer = {"Authorization": f"Bearer {key_of(bea).plaintext}"}

    assert Client().get(PROVIDERS, headers=bearer).status_code == 403
    assert Api().get(PROVIDERS).status == 401
    assert add(person("rita", tier="starter")).status == 403


def test_keys_are_tried_so_often_and_then_not_for_a_while(
    bea: User, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one could find out here which of many stolen keys are good."""
    monkeypatch.setattr(key_trials, "MOST", 3)
    made = add(bea)
    upstream.behave("/v1/models", "status-401")
    assert Api(bea).post(f"{of(made)}/test").status == 200
    assert Api(bea).post(f"{of(made)}/rotate", {"api_key": NEXT}).code == "key_refused"

    late = [
        add(bea, key_name="another"),
        Api(bea).post(f"{of(made)}/test"),
        Api(bea).post(f"{of(made)}/rotate", {"api_key": NEXT}),
    ]

    assert {(answer.status, answer.code) for answer in late} == {(429, "too_many_key_trials")}
    assert late[0].body["error"]["details"] == {"limit": 3, "window_s": 600}
    assert len(upstream.calls) == 3
    assert add(person("carl", "LLM user", tier="starter")).status != 429
    KeyTrial.objects.filter(owner=bea).update(at=timezone.now() - key_trials.WINDOW)
    assert Api(bea).post(f"{of(made)}/test").status == 200
    assert KeyTrial.objects.filter(owner=bea).count() == 1
