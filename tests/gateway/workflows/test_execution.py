"""POST /v1/workflows/execute: one request, one hold and one bill over the steps that an operator wrote."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from credits.models import Hold
from gateway.models import RequestRow, Workflow
from llmconfig.models import Purpose
from opscenter.core.limits import Limits
from opscenter.demo_server import LABEL
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.gateway.workflows.conftest import NANO, Execute, steps_of, whole_of
from tests.gateway.workflows.writing import write
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_OUTLINE = {"prompt": "Outline {{ input.topic }}.", "max_tokens": 300}
_TEXT = {"prompt": "Write: {{ steps.outline }}", "system": "Be {{ input.tone|default:'calm' }}.", "max_tokens": 400}


def test_two_steps_are_one_request_with_one_bill(execute: Execute, upstream: Upstream) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")

    answer = execute("essay", {"topic": "Fog"})

    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert (body["object"], body["workflowId"], body["id"]) == (
        "workflow.execution",
        "essay",
        answer.headers["x-request-id"],
    )
    outline = f"{LABEL} You asked: Outline Fog."
    assert [step["output"] for step in body["steps"]] == [outline, f"{LABEL} You asked: Write: {outline}"]
    assert body["result"] == body["steps"][1]["output"]
    asked = [call.body["messages"] for call in upstream.calls]
    assert asked == [
        [{"role": "user", "content": "Outline Fog."}],
        [{"role": "system", "content": "Be calm."}, {"role": "user", "content": f"Write: {outline}"}],
    ]
    costs = [Decimal(step["usage"]["cost_credits"]) for step in body["steps"]]
    assert costs == [step["usage"]["prompt_tokens"] + 2 * step["usage"]["completion_tokens"] for step in body["steps"]]
    assert Decimal(body["usage"]["cost_credits"]) == sum(costs) == Decimal(answer.headers["x-ops-cost-credits"])
    assert body["usage"]["calls"] == 2
    assert body["usage"]["total_tokens"] == sum(step["usage"]["total_tokens"] for step in body["steps"])
    assert {(step["model"], step["provider"], step["finish_reason"]) for step in body["steps"]} == {
        ("m1", "local", "stop")
    }


def test_each_step_has_a_row_and_the_whole_has_the_hold(execute: Execute) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")

    answer = execute("essay", {"topic": "Fog"}, {"X-Component": "newsroom"})

    whole, steps = whole_of(answer), steps_of(answer)
    assert (whole.endpoint, whole.status, whole.component, whole.routing_path) == (
        "workflows/execute",
        "succeeded",
        "newsroom",
        "essay",
    )
    assert [(row.component, row.operation, row.routing_path, row.model, row.endpoint) for row in steps] == [
        ("newsroom", "outline", "essay", "m1", "chat/completions"),
        ("newsroom", "text", "essay", "m1", "chat/completions"),
    ]
    charged = sum(row.charged_nano for row in steps) + whole.charged_nano
    assert charged == Decimal(answer.json()["usage"]["cost_credits"]) * NANO
    assert Hold.objects.get().captured == charged <= whole.held_nano == Hold.objects.get().amount


def test_without_a_component_the_steps_have_the_workflows(execute: Execute) -> None:
    answer = execute("completion-workflow", "Hello", model="m1")

    whole_of(answer)
    assert [(row.component, row.operation) for row in steps_of(answer)] == [("completion-workflow", "completion")]


@pytest.mark.parametrize(
    ("input", "asked"),
    [
        ("Hello", [("user", "Hello")]),
        ({"prompt": "Hello"}, [("user", "Hello")]),
        ({"prompt": "Hello", "system": "Be brief."}, [("system", "Be brief."), ("user", "Hello")]),
        ({"other": [1, None]}, [("user", '{"other": [1, ""]}')]),
    ],
)
def test_the_first_workflow_takes_a_text_or_an_object(
    execute: Execute, upstream: Upstream, input: Any, asked: list[tuple[str, str]]
) -> None:
    answer = execute("completion-workflow", input)

    assert answer.status_code == 200, answer.text
    (call,) = upstream.calls
    assert [(one["role"], one["content"]) for one in call.body["messages"]] == asked
    # Nobody named a model: the active provider's.
    assert (call.model, answer.json()["steps"][0]["model"]) == ("m2", "m2")


def test_a_json_step_gives_its_fields_to_later_ones_and_an_object_to_the_caller(
    execute: Execute, upstream: Upstream
) -> None:
    facts = {"prompt": "Facts of {{ input }}", "json_output": True, "max_tokens": 300}
    write("facts", facts=facts, text={"prompt": "{{ steps.facts.note }}", "json_output": True, "temperature": "0.5"})

    body = execute("facts", "fog").json()

    assert body["steps"][0]["output"] == {"demo": True, "note": LABEL, "question": "Facts of fog"}
    assert body["result"] == {"demo": True, "note": LABEL, "question": LABEL}
    second = upstream.calls[1].body
    assert (second["response_format"], second["temperature"]) == ({"type": "json_object"}, 0.5)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ({"facts": {"prompt": "{{ input }}", "json_output": True}}, "asked for a JSON object"),
        ({"facts": "{{ input }}", "text": "{{ steps.facts.title }}"}, "`steps.facts.title`, which is not there"),
    ],
)
def test_an_output_that_nobody_can_use_fails_the_whole_and_is_free(
    execute: Execute, upstream: Upstream, steps: dict[str, Any], says: str
) -> None:
    upstream.behave("m2", "chunks:5")
    write("facts", **steps)

    answer = execute("facts", "fog")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["step"]) == (
        502,
        "step_output_invalid",
        list(steps)[-1],
    )
    assert says in error["message"]
    whole, (facts, *_) = whole_of(answer), steps_of(answer)
    assert (whole.status, whole.charged_nano, facts.charged_nano, Hold.objects.get().captured) == ("failed", 0, 0, None)
    assert facts.expense_nano > 0


def test_a_step_that_fails_fails_the_whole_and_is_free(execute: Execute, upstream: Upstream) -> None:
    upstream.behave("m1", "ok", "status-400")
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")

    answer = execute("essay", {"topic": "Fog"})

    assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"step": "text"})
    assert "Outline" not in answer.text
    assert whole_of(answer).charged_nano == 0
    assert [row.status for row in steps_of(answer)] == ["succeeded", "failed"]
    assert Hold.objects.get().captured is None


@pytest.mark.parametrize(
    ("sent", "status", "param", "says"),
    [
        ({"workflowId": "esay"}, 404, "workflowId", "Yours are `completion-workflow`, `essay`: GET /v1/workflows"),
        ({"workflowId": 5}, 400, "workflowId", "names the workflow"),
        ({"workflowId": None}, 400, "workflowId", "names the workflow"),
        ({"input": None}, 400, "input", "a text, or an object"),
        ({"input": ""}, 400, "input", "a text, or an object"),
        ({"input": "only text"}, 400, "input.topic", "The step `outline` needs `input.topic`, which is not there."),
        ({"input": {"topic": {}, "tone": []}, "inputs": 1}, 400, "inputs", "`inputs` is no field here."),
        ({"stream": True}, 400, "stream", "in one piece"),
        ({"model": 7}, 400, "model", "must be a string"),
        ({"max_cost": "much"}, 400, "max_cost", ""),
        ({"input": {"topic": "x" * 1_000_001}}, 400, "input", "comes to more than 1000000 characters"),
    ],
)
def test_what_can_not_be_executed_is_refused_before_anything_is_held(
    execute: Execute, upstream: Upstream, sent: dict[str, Any], status: int, param: str, says: str
) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT)
    fields = {"workflow": "essay", "input": {"topic": "Fog"}}
    fields |= {"workflow" if name == "workflowId" else name: value for name, value in sent.items()}

    answer = execute(**fields)

    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), answer.text
    assert says in error["message"]
    assert not Hold.objects.exists()
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("options", "fields", "status", "code"),
    [
        ({}, {"is_active": False}, 404, "workflow_not_found"),
        ({}, {"tier": "enterprise"}, 403, "tier_too_low"),
        ({"allowed_models": ["m2"]}, {"model": "m1"}, 403, "model_not_allowed"),
        ({"allowed_purposes": [Purpose.EMBEDDINGS.value]}, {}, 403, "model_not_allowed"),
        ({}, {"model": "gone"}, 404, "model_not_found"),
    ],
)
def test_the_callers_own_rights_count(
    execute: Execute, key: str, options: dict[str, Any], fields: dict[str, Any], status: int, code: str
) -> None:
    write("essay", text="{{ input }}", **fields)
    narrow = key_of(person("carol", "LLM user", credits_nano=10**6 * NANO), **options).plaintext

    answer = execute("essay", "Fog", key=narrow)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert (row.status, row.endpoint, row.routing_path) == ("refused", "workflows/execute", "essay")


@pytest.mark.parametrize("whose", ["workflow", "caller", "both"])
def test_a_budget_shortens_all_steps_and_is_never_exceeded(execute: Execute, upstream: Upstream, whose: str) -> None:
    upstream.behave("m1", "chunks:5000")
    most = Decimal(8000)
    write("essay", one="{{ input }}", two="{{ input }}", model="m1", max_credits=most if whose != "caller" else None)
    sent = {} if whose == "workflow" else {"max_cost": "8000" if whose == "caller" else "9000"}

    answer = execute("essay", "Fog", **sent)

    assert answer.status_code == 200, answer.text
    assert whole_of(answer).held_nano <= most * NANO
    assert Decimal(answer.json()["usage"]["cost_credits"]) <= most
    assert {step["finish_reason"] for step in answer.json()["steps"]} == {"length"}
    # Both a good deal, rather than all to the first.
    assert all(1500 < call.body["max_tokens"] < 2500 for call in upstream.calls)


@pytest.mark.parametrize(
    ("fields", "sent", "code", "source"),
    [
        ({"max_credits": Decimal(100)}, {}, "workflow_budget_too_small", "workflow"),
        ({}, {"max_cost": 100}, "max_cost_exceeded", "max_cost"),
    ],
)
def test_a_budget_that_leaves_nothing_sensible_is_refused(
    execute: Execute, upstream: Upstream, fields: dict[str, Any], sent: dict[str, Any], code: str, source: str
) -> None:
    write("essay", one="{{ input }}", two="{{ steps.one }}", model="m1", **fields)

    answer = execute("essay", "Fog", **sent)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["limit_source"]) == (402, code, source), answer.text
    assert upstream.calls == []


def test_who_has_too_little_is_refused_whole(execute: Execute, upstream: Upstream, key: str) -> None:
    write("essay", one={"prompt": "{{ input }}", "max_tokens": 300}, two="{{ input }}", model="m1")
    poor = key_of(person("dave", "LLM user", credits_nano=700 * NANO)).plaintext

    answer = execute("essay", "Fog", key=poor)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_credits")
    assert upstream.calls == []


def test_a_workflow_has_its_own_time_which_says_nothing_of_who_does_not_answer_in_it(
    execute: Execute, serving: InProcess, upstream: Upstream, settings: Settings
) -> None:
    settings.BREAKER_FAILURES = 1
    upstream.behave("m1", "slow-first-byte:20")
    write("essay", one="{{ input }}", model="m1", timeout_s=1)

    answer = execute("essay", "Fog")

    assert (answer.status_code, answer.json()["error"]["details"]) == (504, {"step": "one"})
    assert whole_of(answer).charged_nano == 0
    assert "open" not in serving.runtime.breaker.states().values()


def test_an_idempotency_key_executes_once(execute: Execute, upstream: Upstream) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")

    first, second = (execute("essay", {"topic": "Fog"}, {"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.status_code == 200, first.text
    assert (second.content, second.headers["Idempotent-Replayed"]) == (first.content, "true")
    assert len(upstream.calls) == 2
    assert Hold.objects.count() == 1


def test_one_execution_counts_as_one_call_against_limits(execute: Execute, key: str) -> None:
    write("essay", one="{{ input }}", two="{{ input }}", max_tokens=100)
    limited = key_of(person("erin", "LLM user", credits_nano=10**6 * NANO), limits=Limits(rpm=1)).plaintext

    answers = [execute("essay", "Fog", key=limited).status_code for _ in range(2)]

    assert answers == [200, 429]


def test_usage_and_the_ledger_say_the_same(execute: Execute) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")
    whole_of(execute("essay", {"topic": "Fog"}))

    call_command("check_usage", "--now")


def test_executing_goes_by_what_is_in_memory(execute: Execute, serving: InProcess, key: str) -> None:
    write("essay", outline=_OUTLINE, text=_TEXT, model="m1")
    serving.sees_changes()
    # Nobody is told of it, as nobody is of an operator's change until the snapshot is read anew.
    Workflow.objects.all().delete()

    assert execute("essay", {"topic": "Fog"}).status_code == 200
