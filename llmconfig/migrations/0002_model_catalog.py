"""What can be called: models and their deployments."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0001_servers_and_provider_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="LLMModel",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=200,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[\\w.:/@+-]+\\Z", "Letters, digits and . : / @ + - _ only."
                            )
                        ],
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("chat", "Chat"), ("embeddings", "Embeddings"), ("reranking", "Reranking")],
                        default="chat",
                        max_length=12,
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
                        max_length=12,
                    ),
                ),
                ("use_case_tags", models.JSONField(blank=True, default=list)),
                (
                    "context_window",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Tokens.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "max_output_tokens",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Tokens.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "quality_score",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="0 to 1.",
                        max_digits=3,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(1),
                        ],
                    ),
                ),
                (
                    "latency_class",
                    models.CharField(
                        choices=[
                            ("ultrafast", "Ultrafast"),
                            ("fast", "Fast"),
                            ("medium", "Medium"),
                            ("slow", "Slow"),
                        ],
                        default="medium",
                        max_length=10,
                    ),
                ),
                (
                    "privacy",
                    models.CharField(
                        choices=[
                            ("high", "High: stays on the operator's servers"),
                            ("medium", "Medium: a provider under contract"),
                            ("low", "Low: may be kept or trained on"),
                        ],
                        default="medium",
                        max_length=10,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the platform's own model.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="llm_models",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "model",
                "db_table": "llm_models",
                "ordering": ("name",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("owner__isnull", True)),
                        fields=("name",),
                        name="model_name_once_on_platform",
                        violation_error_message="The platform has a model of this name already.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("owner__isnull", False)),
                        fields=("owner", "name"),
                        name="model_name_once_per_owner",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="model_is_named"),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["chat", "embeddings", "reranking"])),
                        name="model_purpose_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("tier__in", ["free", "starter", "professional", "enterprise"])),
                        name="model_tier_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quality_score__isnull", True),
                            models.Q(("quality_score__gte", 0), ("quality_score__lte", 1)),
                            _connector="OR",
                        ),
                        name="model_quality_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("context_window__isnull", True), ("context_window__gte", 1), _connector="OR"),
                            models.Q(
                                ("max_output_tokens__isnull", True),
                                ("max_output_tokens__gte", 1),
                                _connector="OR",
                            ),
                        ),
                        name="model_sizes_positive",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "upstream_model",
                    models.CharField(help_text="The model's id at its provider.", max_length=300),
                ),
                ("priority", models.PositiveSmallIntegerField(default=0, help_text="Lower is tried first.")),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=1, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "rpm",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests per minute; empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "tpm",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Tokens per minute; empty: unlimited.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "timeout_s",
                    models.PositiveIntegerField(default=600, validators=[django.core.validators.MinValueValidator(1)]),
                ),
                (
                    "transport",
                    models.CharField(
                        choices=[
                            ("auto", "Automatic: relay where the upstream speaks OpenAI's format"),
                            ("litellm", "LiteLLM"),
                            ("relay", "Relay"),
                        ],
                        default="auto",
                        max_length=10,
                    ),
                ),
                (
                    "max_tokens_param",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("max_tokens", "max_tokens"),
                            ("max_completion_tokens", "max_completion_tokens"),
                        ],
                        help_text="Empty: what the provider usually wants.",
                        max_length=25,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "server",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="llm.aiserver",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deployments",
                        to="llm.llmmodel",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="llm.providerkey",
                    ),
                ),
            ],
            options={
                "db_table": "llm_deployments",
                "ordering": ("model_id", "priority", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key__isnull", True), ("server__isnull", False)),
                            models.Q(("key__isnull", False), ("server__isnull", True)),
                            _connector="OR",
                        ),
                        name="deployment_on_exactly_one",
                        violation_error_message="A deployment is on one AI server or on one provider key.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("server__isnull", False)),
                        fields=("model", "server", "upstream_model"),
                        name="deployment_once_per_server",
                        violation_error_message="The model is deployed there already.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("key__isnull", False)),
                        fields=("model", "key", "upstream_model"),
                        name="deployment_once_per_key",
                        violation_error_message="The model is deployed there already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("upstream_model", ""), _negated=True),
                            ("weight__gte", 1),
                            ("timeout_s__gte", 1),
                        ),
                        name="deployment_values_usable",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("transport__in", ["auto", "litellm", "relay"]),
                            ("max_tokens_param__in", ["", "max_tokens", "max_completion_tokens"]),
                        ),
                        name="deployment_choices_known",
                    ),
                ],
            },
        ),
    ]
