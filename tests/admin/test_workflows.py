"""Workflows are written on one page: audited step by step, and refused where the steps don't fit together."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.models import Workflow, WorkflowStep
from gateway.workflows import definition
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, World, last_entry, text, version
from tests.gateway.in_process import InProcess

pytestmark = pytest.mark.once

PAGE = "gateway_workflow"


@pytest.fixture
def serving(transactional_db: None) -> Iterator[InProcess]:
    with InProcess() as gateway:
        yield gateway


OUTLINE = {"position": 1, "name": "outline", "prompt": "Outline {{ input.topic }}."}
TEXT = {"position": 2, "name": "text", "system": "Write.", "prompt": "{{ steps.outline }}", "max_tokens": 400}


def posted(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the form of a new workflow sends."""
    sent: dict[str, Any] = {"workflow_id": "essay", "name": "Essay", "tier": "free", "is_active": "on", **fields}
    sent |= {"steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": 0}
    for number, step in enumerate(steps):
        sent |= {f"steps-{number}-{name}": value for name, value in step.items()}
    return sent


def test_a_workflow_is_added_with_its_steps_in_order(root: Site, root_user: User) -> None:
    before, entries = version(), AuditEntry.objects.count()

    answer = root.post(f"{PAGE}_add", data=posted(TEXT, OUTLINE, max_credits="2.5"))

    assert answer.status_code == 302, text(answer)
    essay = definition.load()["essay"]
    assert [step.name for step in essay.steps] == ["outline", "text"]
    assert (essay.max_cost_nano, essay.steps[1].max_tokens, essay.steps[1].model) == (2_500_000_000, 400, None)
    # The workflow and each of its steps.
    assert AuditEntry.objects.count() == entries + 3
    assert (last_entry().entity_type, last_entry().user_id, version()) == (
        "llm_workflow_steps",
        root_user.pk,
        before + 3,
    )


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([OUTLINE | {"prompt": "{{ steps.text }}"}, TEXT], "Step outline, prompt: `steps.text` is no step before this"),
        ([OUTLINE, TEXT | {"system": "{{ topic }}"}], "Step text, system: `topic` is unknown"),
        ([OUTLINE, TEXT | {"position": 1}], "Two steps have the same position"),
        ([OUTLINE | {"prompt": "{% include 'x' %}"}], "Line 1: `{% include %}` can't be used here."),
        ([OUTLINE | {"name": "The-Outline"}], "Small letters, digits and _ only"),
        ([OUTLINE | {"temperature": "2.5"}], "less than or equal to 2"),
        ([], "A workflow has at least one step."),
    ],
)
def test_steps_that_do_not_fit_are_refused_in_the_form(root: Site, steps: list[dict[str, Any]], says: str) -> None:
    entries = AuditEntry.objects.count()

    answer = root.post(f"{PAGE}_add", data=posted(*steps))

    assert answer.status_code == 200
    assert says in text(answer)
    assert not Workflow.objects.filter(workflow_id="essay").exists()
    assert AuditEntry.objects.count() == entries


def test_an_edit_that_breaks_a_later_step_is_refused_whole(root: Site) -> None:
    root.post(f"{PAGE}_add", data=posted(OUTLINE, TEXT))
    row = Workflow.objects.get(workflow_id="essay")

    answer = root.post(f"{PAGE}_change", row.pk, data={**root.form(f"{PAGE}_change", row.pk), "steps-0-name": "plan"})

    assert "Step text, prompt: `steps.outline` is no step before this one. There are: `steps.plan`." in text(answer)
    assert [step.name for step in row.steps.all()] == ["outline", "text"]


def test_a_workflow_that_is_not_active_is_not_served(root: Site) -> None:
    row = Workflow.objects.get(workflow_id="completion-workflow")
    form = root.form(f"{PAGE}_change", row.pk)

    root.post(f"{PAGE}_change", row.pk, data={name: value for name, value in form.items() if name != "is_active"})

    assert definition.load() == {}


def test_a_deleted_workflow_takes_its_steps_with_it_and_all_of_it_stays_in_the_audit_log(root: Site) -> None:
    root.post(f"{PAGE}_add", data=posted(OUTLINE, TEXT))
    row = Workflow.objects.get(workflow_id="essay")

    root.post(f"{PAGE}_delete", row.pk, data={"post": "yes"})

    assert not WorkflowStep.objects.filter(workflow_id=row.pk).exists()
    gone = AuditEntry.objects.filter(action="delete")
    assert [entry.entity_type for entry in gone.order_by("id")] == [*["llm_workflow_steps"] * 2, "llm_workflows"]
    assert "Outline {{ input.topic }}." in str(gone.order_by("id")[0].changes)


def test_one_that_no_longer_can_be_compiled_is_left_out_alone(root: Site, caplog: pytest.LogCaptureFixture) -> None:
    root.post(f"{PAGE}_add", data=posted(OUTLINE, TEXT))
    WorkflowStep.objects.filter(name="text").update(prompt="{% nothing %}")

    assert list(definition.load()) == ["completion-workflow"]
    assert "the workflow essay can't be executed" in caplog.text


def test_its_page_says_what_an_execution_can_cost_by_tier(root: Site, world: World, serving: InProcess) -> None:
    """4,041 tokens in and 400 out, at 2 USD per million; starter pays 40 % more, enterprise 80 %."""
    root.post(f"{PAGE}_add", data=posted(OUTLINE | {"model": "m1", "max_tokens": 400}, tier="starter"))
    root.post(f"{PAGE}_add", data=posted(OUTLINE | {"model": "gone"}, workflow_id="other"))
    serving.sees_changes()
    page, other = (
        text(root.get(f"{PAGE}_change", Workflow.objects.get(workflow_id=id).pk)) for id in ("essay", "other")
    )

    assert "Tier Credits Starter 12.4348 Professional 14.2112 Enterprise 15.9876" in page
    assert "The model `gone` does not exist or can't be called now." in other
