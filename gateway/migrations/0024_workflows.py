"""Workflows and their steps."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import credits.models.fields
import gateway.models.workflow_step


class Migration(migrations.Migration):
    dependencies = [
        ("gateway", "0023_session_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="Workflow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "workflow_id",
                    models.CharField(
                        help_text="What callers name it by, such as completion-workflow.",
                        max_length=60,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9._-]*\\Z", "Small letters, digits and . _ - only."
                            )
                        ],
                        verbose_name="workflow ID",
                    ),
                ),
                ("name", models.CharField(help_text="For people.", max_length=100)),
                (
                    "description",
                    models.TextField(
                        blank=True,
                        help_text="What it does and which input it takes; callers see it in the list of workflows.",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Only an active one can be executed.", verbose_name="active"
                    ),
                ),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("free", "Free"),
                            ("starter", "Starter"),
                            ("professional", "Professional"),
                            ("enterprise", "Enterprise"),
                        ],
                        default="free",
                        help_text="The lowest tier that may execute it.",
                        max_length=12,
                    ),
                ),
                (
                    "max_credits",
                    credits.models.fields.CreditsField(
                        blank=True,
                        help_text="Credits that one execution may cost at most, over all of its steps; answers are kept shorter for it. Empty: what the steps can cost.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                (
                    "timeout_s",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Seconds for all steps together. Empty, and at most: the time that any call has.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3600),
                        ],
                        verbose_name="timeout (s)",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "llm_workflows",
                "ordering": ("workflow_id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tier__in", ["free", "starter", "professional", "enterprise"])),
                        name="workflow_tier_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_credits__isnull", True), ("max_credits__gte", 0), _connector="OR"),
                        name="workflow_budget_is_no_debt",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("timeout_s__isnull", True), ("timeout_s__gte", 1), _connector="OR"),
                        name="workflow_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WorkflowStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=1, help_text="Steps run in this order.")),
                (
                    "name",
                    models.CharField(
                        help_text="Later prompts have what this step says as {{ steps.NAME }}.",
                        max_length=60,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9_]*\\Z", "Small letters, digits and _ only, a letter first."
                            )
                        ],
                    ),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True,
                        help_text="As callers would name it. Empty: the one that the caller names, or else the active provider's.",
                        max_length=200,
                    ),
                ),
                (
                    "system",
                    models.TextField(
                        blank=True,
                        help_text="The system message, a template as the prompt is. None is sent where it comes out empty.",
                        validators=[
                            gateway.models.workflow_step.validate_prompt,
                            django.core.validators.MaxLengthValidator(50000),
                        ],
                    ),
                ),
                (
                    "prompt",
                    models.TextField(
                        help_text='The user message: {{ input }}, or {{ input.FIELD }} where the input is an object, and {{ steps.NAME }}. Tags: if, for, with, firstof, now. {{ input.FIELD|default:"..." }} may be left out by callers.',
                        validators=[
                            gateway.models.workflow_step.validate_prompt,
                            django.core.validators.MaxLengthValidator(50000),
                        ],
                    ),
                ),
                (
                    "max_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Tokens that it may say at most. Empty: what the model and the caller's power level allow, which is held for, and makes later steps that have its output dear to hold for.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "temperature",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="0 to 2. Empty: the model's own.",
                        max_digits=3,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0")),
                            django.core.validators.MaxValueValidator(Decimal("2")),
                        ],
                    ),
                ),
                (
                    "json_output",
                    models.BooleanField(
                        default=False,
                        help_text="It is asked for a JSON object, and fails with anything else. Later prompts have its fields as {{ steps.NAME.FIELD }}.",
                        verbose_name="JSON output",
                    ),
                ),
                (
                    "workflow",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="gateway.workflow"
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "db_table": "llm_workflow_steps",
                "ordering": ("position", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("workflow", "name"), name="workflow_step_named_once"),
                    models.CheckConstraint(
                        condition=models.Q(("max_tokens__isnull", True), ("max_tokens__gte", 1), _connector="OR"),
                        name="workflow_step_may_speak",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("temperature__isnull", True),
                            models.Q(("temperature__gte", 0), ("temperature__lte", 2)),
                            _connector="OR",
                        ),
                        name="workflow_step_temperature_in_range",
                    ),
                ],
            },
        ),
    ]
