"""Journals and their entries."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("credits", "0001_accounts")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Journal",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("idempotency_key", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("usage", "Usage"),
                            ("adjustment", "Adjustment"),
                            ("upstream_expense", "Upstream Expense"),
                            ("grant", "Grant"),
                            ("manual", "Manual"),
                        ],
                        max_length=24,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                (
                    "actor",
                    models.CharField(blank=True, help_text="user:N, key:N, command:NAME or task:NAME", max_length=200),
                ),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "credits_journals",
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(fields=("idempotency_key",), name="journal_happens_once"),
                    models.CheckConstraint(
                        condition=models.Q(("idempotency_key", ""), _negated=True), name="journal_has_a_key"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("amount", models.BigIntegerField(help_text="Nanocredits, positive into the account.")),
                ("version", models.BigIntegerField(blank=True, null=True)),
                ("balance_after", models.BigIntegerField(blank=True, null=True)),
                ("model", models.TextField(blank=True, default="")),
                ("provider", models.TextField(blank=True, default="")),
                ("tokens", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="credits.account",
                    ),
                ),
                (
                    "journal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="credits.journal",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "entries",
                "db_table": "llm_transactions",
                "ordering": ("-id",),
            },
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="entry_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(condition=models.Q(("tokens__gte", 0)), name="entry_tokens_are_no_debt"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("balance_after__isnull", True), ("version__isnull", True)),
                    models.Q(
                        ("balance_after__gte", 0),
                        ("balance_after__isnull", False),
                        ("version__gte", 1),
                        ("version__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="entry_version_comes_with_balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("account", "version"), name="entry_version_once_per_account"),
        ),
    ]
