"""Credits reserved for a request."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0004_balanced_journals")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("virtual_key_id", models.BigIntegerField(blank=True, null=True)),
                ("amount", models.BigIntegerField(help_text="Nanocredits reserved.")),
                ("captured", models.BigIntegerField(blank=True, help_text="Nanocredits charged.", null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("HELD", "Held"), ("CAPTURED", "Captured"), ("VOIDED", "Voided")],
                        default="HELD",
                        max_length=8,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("platform", "Platform"), ("byok", "Byok"), ("free", "Free")],
                        default="platform",
                        max_length=8,
                    ),
                ),
                ("rates", models.JSONField(blank=True, default=dict)),
                (
                    "basis",
                    models.TextField(blank=True, default="", help_text="What the charge was reckoned from."),
                ),
                ("dispatched_at", models.DateTimeField(blank=True, null=True)),
                ("heartbeat_at", models.DateTimeField()),
                ("delivered_tokens", models.BigIntegerField(default=0)),
                (
                    "checkpoint_amount",
                    models.BigIntegerField(default=0, help_text="Nanocredits that delivered_tokens cost."),
                ),
                ("lease_epoch", models.IntegerField(default=1)),
                ("created_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="credits.account",
                    ),
                ),
            ],
            options={
                "db_table": "credits_holds",
                "ordering": ("-id",),
            },
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("state", "HELD")), fields=["heartbeat_at"], name="hold_open_by_heartbeat"
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(condition=models.Q(("state", "HELD")), fields=["account"], name="hold_open_by_account"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("HELD", "CAPTURED", "VOIDED"))), name="hold_state_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ("platform", "byok", "free"))), name="hold_mode_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="hold_amount_is_no_debt"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("captured__isnull", False), ("state", "CAPTURED")),
                    models.Q(models.Q(("state", "CAPTURED"), _negated=True), ("captured__isnull", True)),
                    _connector="OR",
                ),
                name="hold_captured_set_when_captured",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("captured__isnull", True),
                    models.Q(("captured__gte", 0), ("captured__lte", models.F("amount"))),
                    _connector="OR",
                ),
                name="hold_captures_what_it_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode", "platform"), ("amount", 0), _connector="OR"),
                name="hold_free_of_charge_is_zero",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("state", "HELD")),
                    models.Q(models.Q(("state", "HELD"), _negated=True), ("closed_at__isnull", False)),
                    _connector="OR",
                ),
                name="hold_open_until_closed",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("checkpoint_amount__gte", 0), ("delivered_tokens__gte", 0), ("lease_epoch__gte", 1)
                ),
                name="hold_progress_is_no_debt",
            ),
        ),
    ]
