"""The catalog's models through the API."""

from typing import Any

import pytest

from llmconfig.models import Deployment, LLMModel, Price
from tests.llmconfig.api import Api, chat_on, on_key, on_server

pytestmark = pytest.mark.once


def _contract(server: Any) -> dict[str, Any]:
    return {
        "name": "m1",
        "purpose": "chat",
        "tier": "free",
        "max_output_tokens": 4000,
        "input_price": "2.00",
        "cached_input_price": None,
        "output_price": "2.00",
        "deployments": [
            {
                "provider_type": "ai_server",
                "provider_id": server["id"],
                "upstream_model": "x",
                "priority": 0,
                "weight": 1,
            }
        ],
    }


def test_a_model_is_read_back_as_it_was_written(alice: Api) -> None:
    sent = _contract(alice.server())

    answer = alice.post("models", sent)

    assert answer.status == 201, answer.text
    (deployment,) = answer.body["deployments"]
    assert {name: answer.body[name] for name in sent if name != "deployments"} == {
        name: value for name, value in sent.items() if name != "deployments"
    }
    assert {name: deployment[name] for name in sent["deployments"][0]} == sent["deployments"][0]
    assert (answer.body["version"], answer.body["price_number"], deployment["version"]) == (1, 1, 1)
    assert alice.get(f"models/{answer.body['id']}").body == answer.body


def test_what_was_read_can_be_put_back_unchanged(alice: Api) -> None:
    made = alice.post("models", _contract(alice.server())).body

    answer = alice.put(f"models/{made['id']}", made)

    assert (answer.status, answer.body) == (200, {**made, "updated_at": answer.body["updated_at"]})
    assert Price.objects.count() == 1


def test_a_model_that_only_runs_here_has_high_privacy(alice: Api) -> None:
    server, key = alice.server(), alice.key()

    assert alice.model(on_server(server))["privacy"] == "high"
    assert alice.model(on_server(server), name="told", privacy="low")["privacy"] == "low"
    assert alice.model(on_server(server), on_key(key), name="mixed")["privacy"] == "medium"


def test_put_of_deployments_keeps_changes_adds_and_removes(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    made = alice.model(on_server(server, "a"), on_server(server, "b"))
    kept = made["deployments"][0]

    answer = alice.patch(
        f"models/{made['id']}", {"deployments": [on_server(server, "a", priority=5), on_key(key, "c")]}
    )

    assert answer.status == 200, answer.text
    found = {row["upstream_model"]: row for row in answer.body["deployments"]}
    assert set(found) == {"a", "c"}
    assert (found["a"]["id"], found["a"]["priority"], found["a"]["version"]) == (kept["id"], 5, 2)
    assert Deployment.objects.count() == 2


def test_deployments_left_out_of_a_put_stay(alice: Api) -> None:
    made = alice.model(on_server(alice.server()), input_price="1")

    answer = alice.put(f"models/{made['id']}", {"name": "m2", "tier": "starter"})

    assert (answer.body["name"], answer.body["tier"]) == ("m2", "starter")
    assert answer.body["deployments"] == made["deployments"]
    assert (answer.body["input_price"], answer.body["price_number"]) == ("1.00", 1)


def test_nothing_is_kept_of_a_model_whose_deployment_is_wrong(alice: Api) -> None:
    server = alice.server()
    wrong = {"provider_type": "ai_server", "provider_id": server["id"] + 1, "upstream_model": "x"}

    answer = alice.post("models", {"name": "m1", "input_price": "1", "deployments": [on_server(server), wrong]})

    assert (answer.status, answer.body["error"]["param"]) == (422, "provider_id")
    assert not LLMModel.objects.exists()
    assert not Price.objects.exists()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"purpose": "painting"}, "purpose"),
        ({"tier": "gold"}, "tier"),
        ({"quality_score": "1.01"}, "quality_score"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"input_price": "-1"}, "input_price"),
        ({"input_price": "NaN"}, "input_price"),
        ({"input_price": "0.0000001"}, "input_price"),
        ({"input_price": None, "output_price": "1"}, "input_price"),
        ({"deployments": [{"provider_type": "ai_server"}]}, "deployments"),
    ],
)
def test_what_makes_no_sense_is_refused(alice: Api, change: dict[str, Any], param: str) -> None:
    answer = alice.post("models", {**_contract(alice.server()), **change})

    assert answer.status == 422, answer.text
    assert str(answer.body["error"]["param"]).startswith(param)
    assert not LLMModel.objects.exists()


def test_a_deployment_in_a_patch_is_whole(alice: Api) -> None:
    made = alice.model(on_server(alice.server()))

    answer = alice.patch(f"models/{made['id']}", {"deployments": [{"upstream_model": "y"}]})

    assert answer.status == 422
    assert Deployment.objects.get().upstream_model == "x"


def test_the_same_deployment_twice_is_refused(alice: Api) -> None:
    server = alice.server()

    answer = alice.post("models", {"name": "m1", "deployments": [on_server(server), on_server(server)]})

    assert (answer.status, answer.body["error"]["param"]) == (422, "deployments")


def test_the_list_is_narrowed(alice: Api) -> None:
    alice.model(name="a")
    alice.model(name="b", purpose="embeddings", tier="starter")
    alice.model(name="c", enabled=False)

    def names(query: str) -> list[str]:
        return [row["name"] for row in alice.get(f"models?{query}").body["results"]]

    assert names("purpose=embeddings") == ["b"]
    assert names("tier=free") == ["a", "c"]
    assert names("enabled_only=true") == ["a", "b"]
    assert alice.get("models?purpose=painting").status == 422


def test_a_deleted_model_leaves_its_prices(alice: Api) -> None:
    made = alice.model(on_server(alice.server()), input_price="1")

    assert alice.delete(f"models/{made['id']}").status == 204
    assert not LLMModel.objects.exists()
    assert not Deployment.objects.exists()
    assert Price.objects.get().model_id == made["id"]
    assert alice.model(input_price=None)["input_price"] is None


def test_a_model_that_is_active_is_not_taken_away(alice: Api) -> None:
    server = alice.server()
    made = alice.model(on_server(server), input_price="1")
    path = f"models/{made['id']}"
    alice.post("active", chat_on("ai_server", server, "m1"))

    refused = [
        alice.delete(path),
        alice.patch(path, {"name": "m2"}),
        alice.patch(path, {"purpose": "embeddings"}),
        alice.patch(path, {"deployments": []}),
        alice.delete(f"deployments/{made['deployments'][0]['id']}"),
    ]

    assert [answer.status for answer in refused] == [409] * 5
    assert all("the active provider for chat (primary)" in answer.message for answer in refused)
    assert alice.get(path).body == made
    assert alice.patch(path, {"enabled": False}).status == 200
