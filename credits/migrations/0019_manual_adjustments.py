"""Credits given or taken back by hand, some of which wait for a second person."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import opscenter.core.ids


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("credits", "0018_entries_without_model"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ManualAdjustment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=opscenter.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("amount", models.BigIntegerField(help_text="Nanocredits, positive into the account.")),
                ("reason", models.CharField(max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("made", "Made"),
                            ("proposed", "Waiting for a second person"),
                            ("declined", "Declined"),
                        ],
                        max_length=8,
                    ),
                ),
                ("remark", models.CharField(blank=True, help_text="Why it was declined.", max_length=500)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Until when it can be approved.", null=True),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="manual_adjustments",
                        to="credits.account",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "credits_manual_adjustments",
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["proposed_by", "created_at"], name="adjustment_by_proposer"),
                    models.Index(
                        condition=models.Q(("state", "proposed")), fields=["expires_at"], name="adjustment_waiting"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True), name="adjustment_moves_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "made"),
                            models.Q(
                                ("decided_by__isnull", True), ("expires_at__isnull", False), ("state", "proposed")
                            ),
                            models.Q(("decided_by__isnull", False), ("state", "declined")),
                            _connector="OR",
                        ),
                        name="adjustment_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by__isnull", True)),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="adjustment_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__isnull", True),
                            models.Q(("state", "made"), _negated=True),
                            ("decided_by__isnull", False),
                            _connector="OR",
                        ),
                        name="adjustment_made_when_approved",
                    ),
                ],
            },
        ),
    ]
