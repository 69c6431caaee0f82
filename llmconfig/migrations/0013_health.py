"""How each provider is: its checks, their sums by hour and day, its changes of state; and how often it is asked."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

STATES = [
    ("unknown", "Unknown"),
    ("healthy", "Healthy"),
    ("degraded", "Degraded"),
    ("unhealthy", "Unhealthy"),
]


def check_interval_s(*, usual: str) -> "models.Field[Any, Any]":
    return models.PositiveIntegerField(
        blank=True,
        help_text=f"Between two health checks. Empty: what the installation has for {usual}; 0: never.",
        null=True,
        verbose_name="check interval (s)",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("llm", "0012_own_models"),
    ]

    operations = [
        migrations.AddField(
            model_name="aiserver",
            name="check_interval_s",
            field=check_interval_s(usual="servers"),
        ),
        migrations.AddField(
            model_name="providerkey",
            name="check_interval_s",
            field=check_interval_s(usual="keys"),
        ),
        migrations.CreateModel(
            name="ProviderHealth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(editable=False, max_length=30, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=STATES,
                        default="unknown",
                        max_length=10,
                    ),
                ),
                ("since", models.DateTimeField(blank=True, null=True)),
                (
                    "pending",
                    models.CharField(
                        blank=True,
                        choices=STATES,
                        max_length=10,
                    ),
                ),
                ("streak", models.PositiveSmallIntegerField(default=0)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("latency_ms", models.PositiveIntegerField(blank=True, null=True, verbose_name="latency (ms)")),
                ("message", models.CharField(blank=True, max_length=500)),
                ("due_at", models.DateTimeField(db_index=True)),
                ("claim", models.UUIDField(editable=False, null=True)),
                ("claimed_until", models.DateTimeField(editable=False, null=True)),
                (
                    "key",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provider_health",
                        to="llm.providerkey",
                    ),
                ),
                (
                    "server",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="provider_health",
                        to="llm.aiserver",
                    ),
                ),
            ],
            options={
                "verbose_name": "provider's health",
                "verbose_name_plural": "health of providers",
                "db_table": "llm_health",
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="HealthRollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period", models.CharField(choices=[("hour", "Hour"), ("day", "Day")], max_length=4)),
                ("start", models.DateTimeField(db_index=True)),
                ("healthy", models.PositiveIntegerField(default=0)),
                ("degraded", models.PositiveIntegerField(default=0)),
                ("unhealthy", models.PositiveIntegerField(default=0)),
                ("answers", models.PositiveIntegerField(default=0)),
                ("latency_ms_sum", models.PositiveBigIntegerField(default=0)),
                ("latency_ms_max", models.PositiveIntegerField(default=0)),
                (
                    "health",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rollups",
                        to="llm.providerhealth",
                    ),
                ),
            ],
            options={
                "db_table": "llm_health_rollups",
            },
        ),
        migrations.CreateModel(
            name="HealthCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "status",
                    models.CharField(
                        choices=STATES,
                        max_length=10,
                    ),
                ),
                ("latency_ms", models.PositiveIntegerField(null=True)),
                ("message", models.CharField(blank=True, max_length=500)),
                (
                    "health",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checks",
                        to="llm.providerhealth",
                    ),
                ),
            ],
            options={
                "db_table": "llm_health_checks",
            },
        ),
        migrations.CreateModel(
            name="HealthChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "before",
                    models.CharField(
                        choices=STATES,
                        max_length=10,
                    ),
                ),
                (
                    "after",
                    models.CharField(
                        choices=STATES,
                        max_length=10,
                    ),
                ),
                ("message", models.CharField(blank=True, max_length=500)),
                (
                    "health",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="llm.providerhealth",
                    ),
                ),
            ],
            options={
                "db_table": "llm_health_changes",
            },
        ),
        migrations.AddConstraint(
            model_name="providerhealth",
            constraint=models.CheckConstraint(
                condition=models.Q(("server__isnull", True), ("key__isnull", True), _connector="OR"),
                name="health_of_one_provider_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="providerhealth",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["unknown", "healthy", "degraded", "unhealthy"])),
                name="health_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="healthrollup",
            constraint=models.UniqueConstraint(fields=("health", "period", "start"), name="health_rollup_once"),
        ),
        migrations.AddIndex(
            model_name="healthcheck",
            index=models.Index(fields=["health", "-at"], name="health_checks_newest"),
        ),
        migrations.AddIndex(
            model_name="healthchange",
            index=models.Index(fields=["health", "-at"], name="health_changes_newest"),
        ),
    ]
