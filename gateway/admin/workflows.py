"""Workflows and their steps, on one page."""

from typing import Any, ClassVar

from django.db.models import Count, QuerySet
from django.http import HttpRequest

from credits.models.fields import CreditsField
from gateway import runtime
from gateway.models import Workflow, WorkflowStep
from gateway.services import workflows
from gateway.workflows import definition, preview
from gateway.workflows.prompts import PromptInvalid
from opscenter.core.admin_base import AuditedForm, AuditedModelAdmin, Panel, display, register
from opscenter.core.admin_base.access import Access, DeclaredAccess, everything
from opscenter.core.admin_base.unfolded import StackedInline, TextInput
from opscenter.core.api import Permissions

WORKFLOWS: Access = everything(Permissions.CONFIGURE)


class StepInline(DeclaredAccess, StackedInline):
    access: ClassVar[Access] = WORKFLOWS
    model = WorkflowStep
    form = AuditedForm
    extra = 0
    min_num = 1
    max_num = workflows.MOST_STEPS
    formfield_overrides = AuditedModelAdmin.formfield_overrides
    fields = (("position", "name"), "model", "system", "prompt", ("max_tokens", "temperature"), "json_output")


@register(Workflow)
class WorkflowAdmin(AuditedModelAdmin):
    access: ClassVar[Access] = WORKFLOWS
    when_empty = "A workflow is one or more calls of models, each with a prompt made of the input and what came before."
    formfield_overrides: ClassVar = {**AuditedModelAdmin.formfield_overrides, CreditsField: {"widget": TextInput}}
    inlines = (StepInline,)
    list_display = ("workflow_id", "name", "step_count", "tier", "max_credits", "is_active", "updated_at")
    list_filter = ("is_active", "tier")
    search_fields = ("workflow_id", "name")
    fieldsets = (
        (None, {"fields": (("workflow_id", "name"), "description", "is_active")}),
        ("Limits", {"fields": ("tier", ("max_credits", "timeout_s"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        rows: QuerySet[Workflow] = super().get_queryset(request).annotate(found_steps=Count("steps"))
        return rows

    def create(self, request: HttpRequest, values: dict[str, Any]) -> Workflow:
        return workflows.store(row=Workflow(), values=values)

    def update(self, request: HttpRequest, row: Workflow, values: dict[str, Any]) -> Workflow:
        return workflows.store(row=row, values=values)

    def remove(self, request: HttpRequest, row: Workflow) -> None:
        workflows.delete(workflow=row)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for step in formset.deleted_objects:
            workflows.delete_step(step=step)
        for step, changed in formset.changed_objects:
            workflows.store(row=step, values={name: getattr(step, name) for name in changed})
        for step in formset.new_objects:
            workflows.store(row=step, values={})
        workflows.check(workflow=form.instance)

    def panels(self, request: HttpRequest, row: Workflow) -> list[Panel]:
        """By what the gateway in this process goes by, where there is one."""
        if not runtime.is_ready():
            return []
        snapshot = runtime.current().snapshots.current()
        try:
            costs = list(preview.most_by_tier(snapshot, definition.definition_of(row)))
        except PromptInvalid as error:
            costs = [("every tier", str(error))]
        title = f"Held for an execution at most ({preview.INPUT_CHARACTERS} characters of input, {preview.POWER_LEVEL})"
        return [Panel(title, ("Tier", "Credits"), costs)]

    @display(description="Steps")
    def step_count(self, workflow: Any) -> int:
        count: int = workflow.found_steps
        return count
