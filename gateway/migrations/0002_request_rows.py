from django.db import migrations, models

from gateway.partitions import PartitionByMonth


class Migration(migrations.Migration):
    dependencies = [("gateway", "0001_virtual_keys")]

    operations = [
        migrations.CreateModel(
            name="RequestRow",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("user_id", models.BigIntegerField(null=True)),
                ("account_id", models.BigIntegerField(null=True)),
                ("virtual_key_id", models.BigIntegerField(null=True)),
                ("client_request_id", models.CharField(blank=True, max_length=128)),
                ("endpoint", models.CharField(max_length=60)),
                ("environment", models.CharField(blank=True, max_length=10)),
                ("component", models.CharField(blank=True, max_length=100)),
                ("operation", models.CharField(blank=True, max_length=100)),
                ("routing_path", models.CharField(blank=True, max_length=100)),
                ("requested_model", models.CharField(blank=True, max_length=200)),
                ("model", models.CharField(blank=True, max_length=200)),
                ("provider", models.CharField(blank=True, max_length=60)),
                ("streamed", models.BooleanField(default=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("refused", "Refused"),
                            ("disconnected", "Client went away"),
                            ("lost", "Worker died"),
                        ],
                        max_length=12,
                    ),
                ),
                ("http_status", models.PositiveSmallIntegerField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=60)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("prompt_tokens", models.PositiveIntegerField(default=0)),
                ("cached_tokens", models.PositiveIntegerField(default=0)),
                ("cache_write_tokens", models.PositiveIntegerField(default=0)),
                ("completion_tokens", models.PositiveIntegerField(default=0)),
                (
                    "billing_basis",
                    models.CharField(
                        choices=[
                            ("provider", "Provider's usage"),
                            ("counted", "Counted output"),
                            ("checkpoint", "Last checkpoint"),
                            ("free", "Free"),
                            ("void", "Nothing charged"),
                        ],
                        max_length=12,
                    ),
                ),
                ("held_nano", models.BigIntegerField(default=0)),
                ("charged_nano", models.BigIntegerField(default=0)),
                ("rates", models.JSONField(default=dict)),
                ("duration_ms", models.PositiveIntegerField(default=0)),
                ("first_token_ms", models.PositiveIntegerField(null=True)),
                ("overhead_ms", models.FloatField(default=0)),
            ],
            options={
                "verbose_name": "request",
                "db_table": "llm_requests",
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="AttemptRow",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField()),
                ("request_id", models.UUIDField()),
                ("n", models.PositiveSmallIntegerField()),
                ("target", models.CharField(max_length=200)),
                ("deployment_id", models.BigIntegerField(null=True)),
                ("model", models.CharField(max_length=200)),
                ("provider", models.CharField(max_length=60)),
                ("transport", models.CharField(max_length=10)),
                ("provider_key_id", models.BigIntegerField(null=True)),
                ("price_id", models.BigIntegerField(null=True)),
                ("rates", models.JSONField(default=dict)),
                ("outcome", models.CharField(max_length=40)),
                ("upstream_status", models.PositiveSmallIntegerField(null=True)),
                ("message", models.CharField(blank=True, max_length=500)),
                (
                    "usage_source",
                    models.CharField(
                        choices=[("provider", "Provider"), ("counted", "Counted"), ("none", "None")],
                        default="none",
                        max_length=10,
                    ),
                ),
                ("prompt_tokens", models.PositiveIntegerField(default=0)),
                ("cached_tokens", models.PositiveIntegerField(default=0)),
                ("cache_write_tokens", models.PositiveIntegerField(default=0)),
                ("completion_tokens", models.PositiveIntegerField(default=0)),
                ("cost_usd", models.DecimalField(decimal_places=9, default=0, max_digits=15)),
                ("duration_ms", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "attempt",
                "db_table": "llm_attempts",
                "ordering": ["-created_at", "n"],
            },
        ),
        PartitionByMonth("llm_requests"),
        PartitionByMonth("llm_attempts"),
    ]
