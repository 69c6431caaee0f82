"""Where calls go: AI servers and provider keys."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AIServer",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "server_type",
                    models.CharField(
                        choices=[
                            ("vllm", "vLLM"),
                            ("ollama", "Ollama"),
                            ("llamacpp", "llama.cpp"),
                            ("openai-compatible", "OpenAI-compatible"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "base_url",
                    models.CharField(
                        help_text="For example http://gpu1:8000. Where the URL has no path, /v1 is added.",
                        max_length=500,
                    ),
                ),
                (
                    "model_path",
                    models.CharField(blank=True, help_text="The server's default model.", max_length=300),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("use_for_chat", models.BooleanField(default=True)),
                ("use_for_embeddings", models.BooleanField(default=False)),
                ("use_for_reranking", models.BooleanField(default=False)),
                ("last_health_check", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "health_status",
                    models.CharField(
                        choices=[
                            ("unknown", "Unknown"),
                            ("healthy", "Healthy"),
                            ("degraded", "Degraded"),
                            ("unhealthy", "Unhealthy"),
                        ],
                        default="unknown",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.secret",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "AI server",
                "db_table": "ai_servers",
                "ordering": ("name",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("server_type__in", ["vllm", "ollama", "llamacpp", "openai-compatible"])),
                        name="ai_server_type_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("health_status__in", ["unknown", "healthy", "degraded", "unhealthy"])),
                        name="ai_server_health_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProviderKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "provider",
                    models.SlugField(
                        help_text="openai, anthropic, ... or any other LiteLLM provider by its name there.",
                        max_length=60,
                    ),
                ),
                ("key_name", models.CharField(max_length=100)),
                ("enabled", models.BooleanField(default=True)),
                (
                    "use_for_ops_center",
                    models.BooleanField(
                        default=True, help_text="The platform may route consumers' calls over this key."
                    ),
                ),
                ("last_used", models.DateTimeField(blank=True, editable=False, null=True)),
                ("requests_count", models.PositiveBigIntegerField(default=0, editable=False)),
                ("tokens_used", models.PositiveBigIntegerField(default=0, editable=False)),
                ("cost_usd", models.DecimalField(decimal_places=9, default=0, editable=False, max_digits=15)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "encrypted_key",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.secret",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: the platform's own key.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provider_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "llm_api_keys",
                "ordering": ("provider", "key_name"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("owner__isnull", True)),
                        fields=("provider", "key_name"),
                        name="provider_key_once_on_platform",
                        violation_error_message="The platform has a key of this name there already.",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("owner__isnull", False)),
                        fields=("owner", "provider", "key_name"),
                        name="provider_key_once_per_owner",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("provider", ""), _negated=True),
                            models.Q(("key_name", ""), _negated=True),
                        ),
                        name="provider_key_is_named",
                    ),
                ],
            },
        ),
    ]
