"""POST /v1/quote of a workflow: all of its steps together, and what would refuse them."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.gateway.workflows.conftest import NANO, Execute, whole_of
from tests.gateway.workflows.writing import write
from tests.llmconfig.api import Api, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_OUTLINE = {"prompt": "Outline {{ input }}.", "max_tokens": 300}
_TEXT = {"prompt": "Write: {{ steps.outline }}", "max_tokens": 400}
Quote = Callable[..., Any]


@pytest.fixture
def quote(serving: InProcess, key: str) -> Quote:
    def quote(input: Any, key: str = key, **fields: Any) -> Any:
        serving.sees_changes()
        body = json.dumps({"workflowId": "essay", "input": input, "endpoint": "workflows/execute", **fields})
        return serving.call("POST", "/v1/quote", key=key, content=body.encode()).json()

    return quote


def test_the_most_is_what_is_held_for_all_steps(quote: Quote, execute: Execute) -> None:
    write("essay", outline={**_OUTLINE, "model": "m1"}, text={**_TEXT, "model": "m2"})

    quoted = quote("Fog")

    text, outline = quoted["candidates"]
    assert (outline["model"], outline["output_tokens_most"]) == ("m1", 300)
    assert (text["model"], text["output_tokens_most"]) == ("m2", 400)
    most = Decimal(quoted["most_credits"])
    assert most == Decimal(outline["most_credits"]) + Decimal(text["most_credits"])
    # What the second hears of the first is the larger part of the input.
    assert quoted["tokens"]["prompt_most"] > 300 * 8
    assert most * NANO == whole_of(execute("essay", "Fog")).held_nano


def test_steps_that_go_to_the_same_are_one_candidate_with_all_of_them(quote: Quote) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")

    quoted = quote("Fog")

    (both,) = quoted["candidates"]
    assert (both["most_credits"], both["output_tokens_most"]) == (quoted["most_credits"], 700)


def test_an_input_of_which_no_prompt_has_much_makes_no_least_above_the_most(quote: Quote) -> None:
    write("essay", one={"prompt": "{{ input|truncatechars:20 }}", "max_tokens": 10}, model="m1")

    quoted = quote("a long story " * 1000)

    assert 0 < Decimal(quoted["least_credits"]) <= Decimal(quoted["most_credits"])
    assert quoted["tokens"]["prompt_most"] < 100


@pytest.mark.parametrize(("second", "is_refused"), [("free", False), ("m1", True)])
def test_who_has_nothing_is_served_where_every_step_is_free(
    quote: Quote, execute: Execute, alice: Api, upstream: Upstream, second: str, is_refused: bool
) -> None:
    server = alice.server(name="gratis", base_url=upstream.origin)
    alice.model(on_server(server, "free-model"), name="free")
    write("essay", one={"prompt": "{{ input }}", "model": "free"}, two={"prompt": "{{ input }}", "model": second})
    poor = key_of(person("carol", "LLM user")).plaintext

    quoted = quote("Fog", key=poor)
    answer = execute("essay", "Fog", key=poor)

    assert quoted["would_be_refused"] is is_refused
    assert answer.status_code == (402 if is_refused else 200)
    if is_refused:
        assert answer.json()["error"] == {k: v for k, v in quoted["refusals"][0].items() if k != "status"}
        assert "max_tokens" not in answer.json()["error"]["details"]["remedy_hint"]
