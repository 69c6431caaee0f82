"""Deployments through the API."""

import pytest

from llmconfig.models import ProviderKey
from opscenter.core.models import User
from tests.llmconfig.api import Api, on_key, on_server

pytestmark = pytest.mark.once


def test_a_deployment_is_made_read_changed_and_deleted(alice: Api) -> None:
    server, model = alice.server(), alice.model()

    made = alice.post("deployments", {"model": model["id"], **on_server(server, rpm=30)})

    assert made.status == 201, made.text
    path = f"deployments/{made.body['id']}"
    assert (made.body["model_name"], made.body["provider_name"], made.body["rpm"]) == ("m1", "gpu", 30)
    assert alice.get(path).body == made.body
    changed = alice.patch(path, {"weight": 3})
    assert (changed.body["weight"], changed.body["rpm"], changed.body["version"]) == (3, 30, 2)
    replaced = alice.put(path, on_server(server, "y"))
    assert (replaced.body["upstream_model"], replaced.body["rpm"], replaced.body["weight"]) == ("y", None, 1)
    assert alice.delete(path).status == 204
    assert alice.get("deployments").body["count"] == 0


def test_a_deployment_may_have_a_price_of_its_own(alice: Api) -> None:
    key = alice.key()
    model = alice.model(on_key(key), input_price="1", output_price="2")
    path = f"deployments/{model['deployments'][0]['id']}"

    answer = alice.patch(path, {"input_price": "0.5"})

    assert (answer.body["input_price"], answer.body["price_number"]) == ("0.50", 1)
    assert alice.get(f"models/{model['id']}").body["input_price"] == "1.00"
    assert alice.patch(path, {"input_price": None}).body["input_price"] is None


def test_a_deployment_moves_to_another_provider_but_not_to_another_model(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    model, other = alice.model(on_server(server)), alice.model(name="m2")
    path = f"deployments/{model['deployments'][0]['id']}"

    moved = alice.patch(path, {"provider_type": "api_key", "provider_id": key["id"]})

    assert (moved.body["provider_type"], moved.body["provider_id"]) == ("api_key", key["id"])
    assert alice.patch(path, {"provider_type": "ai_server"}).status == 422
    assert alice.patch(path, {"model": other["id"]}).status == 422


def test_the_same_place_is_taken_once(alice: Api) -> None:
    server = alice.server()
    model = alice.model(on_server(server))

    assert alice.post("deployments", {"model": model["id"], **on_server(server)}).status == 422


def test_a_consumers_own_key_serves_no_model_of_the_platform(alice: Api) -> None:
    own = ProviderKey.objects.create(provider="openai", key_name="d", owner=User.objects.create_user("dora"))
    model = alice.model()

    answer = alice.post("deployments", {"model": model["id"], **on_key({"id": own.pk})})

    assert (answer.status, answer.body["error"]["param"]) == (422, "provider_id")


def test_only_who_speaks_openais_format_can_be_relayed(alice: Api) -> None:
    anthropic, model = alice.key(provider="anthropic"), alice.model()
    body = {"model": model["id"], **on_key(anthropic, transport="relay")}

    assert alice.post("deployments", body).body["error"]["param"] == "transport"
    assert alice.post("deployments", {**body, "transport": "litellm"}).status == 201


@pytest.mark.parametrize("change", [{"weight": 0}, {"priority": -1}, {"timeout_s": 0}, {"rpm": 0}, {"model": 999}])
def test_what_makes_no_sense_is_refused(alice: Api, change: dict[str, int]) -> None:
    server, model = alice.server(), alice.model()

    assert alice.post("deployments", {"model": model["id"], **on_server(server), **change}).status == 422


def test_the_list_is_narrowed(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    model = alice.model(on_server(server), on_key(key, enabled=False))
    alice.model(on_server(server), name="m2")

    assert alice.get(f"deployments?model={model['id']}").body["count"] == 2
    assert alice.get("deployments?enabled_only=true").body["count"] == 2
    assert alice.get(f"deployments?key={key['id']}").body["count"] == 1
