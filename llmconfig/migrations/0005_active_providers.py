"""Who answers when no model is named."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0004_prices_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActiveProvider",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("chat", "Chat"), ("embeddings", "Embeddings"), ("reranking", "Reranking")],
                        max_length=12,
                        unique=True,
                    ),
                ),
                (
                    "default_model",
                    models.CharField(
                        blank=True,
                        help_text="A catalog name or the provider's own; empty: the server's default.",
                        max_length=300,
                    ),
                ),
                ("fallback_model", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "updated_by",
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
                    "fallback_server",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llm.aiserver",
                    ),
                ),
                (
                    "primary_server",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llm.aiserver",
                    ),
                ),
                (
                    "fallback_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llm.providerkey",
                    ),
                ),
                (
                    "primary_key",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="llm.providerkey",
                    ),
                ),
            ],
            options={
                "db_table": "active_providers",
                "ordering": ("purpose",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("primary_key__isnull", True), ("primary_server__isnull", False)),
                            models.Q(("primary_key__isnull", False), ("primary_server__isnull", True)),
                            _connector="OR",
                        ),
                        name="active_has_one_primary",
                        violation_error_message="The primary is one AI server or one provider key.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("fallback_server__isnull", True), ("fallback_key__isnull", True), _connector="OR"
                        ),
                        name="active_has_one_fallback_at_most",
                        violation_error_message="The fallback is one AI server or one provider key.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["chat", "embeddings", "reranking"])),
                        name="active_purpose_known",
                    ),
                ],
            },
        ),
    ]
