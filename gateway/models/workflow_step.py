"""The steps of workflows; their prompts are templates of gateway/workflows/language.py."""

from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from gateway.models.workflow import Workflow
from gateway.workflows.prompts import PromptInvalid, prompt_of

_MOST_TEMPLATE = 50_000


def validate_prompt(source: str) -> None:
    """That it is a template."""
    try:
        prompt_of(source)
    except PromptInvalid as error:
        raise ValidationError(str(error)) from error


class WorkflowStep(models.Model):
    """One call of a model. Steps run by `position`; later ones see what it says as `steps.NAME`."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(default=1, help_text="Steps run in this order.")
    name = models.CharField(
        max_length=60,
        validators=(RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _ only, a letter first."),),
        help_text="Later prompts have what this step says as {{ steps.NAME }}.",
    )
    model = models.CharField(
        max_length=200,
        blank=True,
        help_text="As callers would name it. Empty: the one that the caller names, or else the active provider's.",
    )
    system = models.TextField(
        blank=True,
        validators=(validate_prompt, MaxLengthValidator(_MOST_TEMPLATE)),
        help_text="The system message, a template as the prompt is. None is sent where it comes out empty.",
    )
    prompt = models.TextField(
        validators=(validate_prompt, MaxLengthValidator(_MOST_TEMPLATE)),
        help_text="The user message: {{ input }}, or {{ input.FIELD }} where the input is an object, and "
        '{{ steps.NAME }}. Tags: if, for, with, firstof, now. {{ input.FIELD|default:"..." }} may be left out by '
        "callers.",
    )
    max_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=(MinValueValidator(1),),
        help_text="Tokens that it may say at most. Empty: what the model and the caller's power level allow, which is "
        "held for, and makes later steps that have its output dear to hold for.",
    )
    temperature = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=(MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(2))),
        help_text="0 to 2. Empty: the model's own.",
    )
    json_output = models.BooleanField(
        "JSON output",
        default=False,
        help_text="It is asked for a JSON object, and fails with anything else. Later prompts have its fields as "
        "{{ steps.NAME.FIELD }}.",
    )

    class Meta:
        db_table = "llm_workflow_steps"
        ordering = ("position", "id")
        verbose_name = "step"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("workflow", "name"), name="workflow_step_named_once"),
            models.CheckConstraint(
                condition=Q(max_tokens__isnull=True) | Q(max_tokens__gte=1), name="workflow_step_may_speak"
            ),
            models.CheckConstraint(
                condition=Q(temperature__isnull=True) | Q(temperature__gte=0, temperature__lte=2),
                name="workflow_step_temperature_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name
