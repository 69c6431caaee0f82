"""Accounts, journals, entries, holds, tiers and power levels."""

from decimal import Decimal
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import credits.models.tier


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("wallet", "Wallet"), ("system", "System")], default="wallet", max_length=8
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="wallet:USER, revenue, expense:upstream, ...", max_length=80, unique=True
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("frozen", "Frozen")], default="active", max_length=8
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
                        max_length=16,
                    ),
                ),
                (
                    "posted",
                    models.BigIntegerField(default=0, help_text="Nanocredits: what all entries sum to."),
                ),
                ("held", models.BigIntegerField(default=0, help_text="Nanocredits that open holds reserve.")),
                (
                    "entries_count",
                    models.BigIntegerField(default=0, help_text="Version of the newest entry."),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "llm_credits",
                "ordering": ("id",),
            },
        ),
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
        migrations.CreateModel(
            name="Journal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
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
                    models.CharField(
                        blank=True, help_text="user:N, key:N, command:NAME or task:NAME", max_length=200
                    ),
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
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
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
        migrations.CreateModel(
            name="PowerLevel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=16, unique=True)),
                ("multiplier", models.DecimalField(decimal_places=4, max_digits=8)),
                ("max_output_tokens", models.PositiveIntegerField()),
                (
                    "providers",
                    models.JSONField(default=list, validators=[credits.models.tier.validate_providers]),
                ),
                ("min_quality", models.DecimalField(decimal_places=2, default=Decimal(0), max_digits=3)),
                ("strict", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_power_levels",
                "ordering": ("multiplier",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("multiplier__gte", 0)), name="power_level_multiplier_is_no_refund"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_output_tokens__gte", 1)), name="power_level_allows_output"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_quality__gte", 0), ("min_quality__lte", 1)),
                        name="power_level_quality_is_a_share",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tier",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.CharField(
                        choices=[
                            ("free", "Free"),
                            ("starter", "Starter"),
                            ("professional", "Professional"),
                            ("enterprise", "Enterprise"),
                        ],
                        max_length=16,
                        unique=True,
                    ),
                ),
                ("markup", models.DecimalField(decimal_places=4, max_digits=8)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_tiers",
                "ordering": ("id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("slug__in", ["free", "starter", "professional", "enterprise"])),
                        name="tier_slug_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("markup__gte", 0)), name="tier_sells_at_cost_or_above"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("wallet", "system"))), name="account_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ("active", "frozen"))), name="account_status_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__in", ["free", "starter", "professional", "enterprise"])),
                name="account_tier_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "system"),
                    models.Q(("entries_count__gte", 0), ("held__gte", 0), ("held__lte", models.F("posted"))),
                    _connector="OR",
                ),
                name="wallet_covers_its_holds",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "wallet"),
                    models.Q(("entries_count", 0), ("held", 0), ("posted", 0)),
                    _connector="OR",
                ),
                name="system_account_carries_no_balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "wallet"), ("user__isnull", False)),
                    models.Q(("kind", "system"), ("user__isnull", True)),
                    _connector="OR",
                ),
                name="wallet_alone_has_a_user",
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("state", "HELD")), fields=["heartbeat_at"], name="hold_open_by_heartbeat"
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("state", "HELD")), fields=["account"], name="hold_open_by_account"
            ),
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
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="hold_amount_is_no_debt"
            ),
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
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="entry_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens__gte", 0)), name="entry_tokens_are_no_debt"
            ),
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
            constraint=models.UniqueConstraint(
                fields=("account", "version"), name="entry_version_once_per_account"
            ),
        ),
    ]
