"""Workflows as operators write them; what is served is gateway/workflows/definition.py."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from credits.models.fields import CreditsField
from opscenter.core.tiers import Tier


class Workflow(models.Model):
    """One or more steps, each a call of a model. `workflow_id` is what callers name it by."""

    workflow_id = models.CharField(
        "workflow ID",
        max_length=60,
        unique=True,
        validators=(RegexValidator(r"^[a-z0-9][a-z0-9._-]*\Z", "Small letters, digits and . _ - only."),),
        help_text="What callers name it by, such as completion-workflow.",
    )
    name = models.CharField(max_length=100, help_text="For people.")
    description = models.TextField(
        blank=True, help_text="What it does and which input it takes; callers see it in the list of workflows."
    )
    is_active = models.BooleanField("active", default=True, help_text="Only an active one can be executed.")
    tier = models.CharField(
        max_length=12, choices=Tier, default=Tier.FREE, help_text="The lowest tier that may execute it."
    )
    max_credits = CreditsField(
        null=True,
        blank=True,
        validators=(MinValueValidator(0),),
        help_text="Credits that one execution may cost at most, over all of its steps; answers are kept shorter for "
        "it. Empty: what the steps can cost.",
    )
    timeout_s = models.PositiveIntegerField(
        "timeout (s)",
        null=True,
        blank=True,
        validators=(MinValueValidator(1), MaxValueValidator(3600)),
        help_text="Seconds for all steps together. Empty, and at most: the time that any call has.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "llm_workflows"
        ordering = ("workflow_id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(tier__in=["free", "starter", "professional", "enterprise"]), name="workflow_tier_known"
            ),
            models.CheckConstraint(
                condition=Q(max_credits__isnull=True) | Q(max_credits__gte=0), name="workflow_budget_is_no_debt"
            ),
            models.CheckConstraint(condition=Q(timeout_s__isnull=True) | Q(timeout_s__gte=1), name="workflow_has_time"),
        ]

    def __str__(self) -> str:
        return self.workflow_id
