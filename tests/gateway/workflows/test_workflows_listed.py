"""GET /v1/workflows: what a caller's key may execute."""

from typing import Any

import pytest

from gateway.models import Workflow
from gateway.services import workflows
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.gateway.workflows.writing import write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def _ids(serving: InProcess, key: str, path: str = "/v1/workflows") -> list[str]:
    serving.sees_changes()
    return [one["id"] for one in serving.get(path, key=key).json()["data"]]


@pytest.mark.parametrize("path", ["/v1/workflows", "/api/v1/llm/workflows"])
def test_a_workflow_is_listed_with_what_a_caller_has_to_know(serving: InProcess, path: str) -> None:
    key = key_of(person("bob", "LLM user")).plaintext
    write("essay", outline="Outline {{ input }}.", text="{{ steps.outline }}", max_credits="2.5", description="Writes.")
    serving.sees_changes()

    body = serving.get(path, key=key).json()

    assert body["data"][1] == {
        "id": "essay",
        "object": "workflow",
        "name": "essay",
        "description": "Writes.",
        "steps": ["outline", "text"],
        "max_credits": "2.5",
    }
    assert body["data"][0]["id"] == "completion-workflow"


@pytest.mark.parametrize(
    ("options", "fields", "listed"),
    [
        ({}, {"tier": "starter"}, False),
        ({}, {"is_active": False}, False),
        ({"allowed_models": ["m1"]}, {"model": "m1"}, True),
        ({"allowed_models": ["m1"]}, {"model": "m2"}, False),
        ({"allowed_purposes": ["embeddings"]}, {}, False),
    ],
)
def test_what_a_key_may_not_execute_is_not_listed(
    serving: InProcess, options: dict[str, Any], fields: dict[str, Any], listed: bool
) -> None:
    key = key_of(person("bob", "LLM user"), **options).plaintext
    write("essay", text="{{ input }}", **fields)

    assert ("essay" in _ids(serving, key)) is listed


def test_a_change_is_in_force_without_a_restart(serving: InProcess) -> None:
    key = key_of(person("bob", "LLM user")).plaintext
    assert _ids(serving, key) == ["completion-workflow"]

    workflows.delete(workflow=Workflow.objects.get())

    assert _ids(serving, key) == []


def test_a_stranger_is_told_nothing(serving: InProcess) -> None:
    assert serving.get("/v1/workflows").status_code == 401
