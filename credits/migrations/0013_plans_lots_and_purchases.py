"""Lots that expire, plans that grant, packages, purchases, what goes back, and Stripe's events."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import opscenter.core.ids
from opscenter.core.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("credits", "0012_irreplaceable"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField(help_text="Nanocredits granted.")),
                ("remaining", models.BigIntegerField(help_text="Nanocredits neither spent nor expired.")),
                ("expires_at", models.DateTimeField()),
            ],
            options={
                "db_table": "credits_lots",
                "ordering": ("expires_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="LotEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField(help_text="Nanocredits, positive into the lot.")),
            ],
            options={
                "verbose_name_plural": "lot entries",
                "db_table": "credits_lot_entries",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Package",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("credits_nano", models.BigIntegerField(help_text="Nanocredits.", verbose_name="credits")),
                (
                    "price_minor",
                    models.PositiveIntegerField(
                        help_text="In the currency's smallest unit: cents.", verbose_name="price"
                    ),
                ),
                ("currency", models.CharField(default="usd", help_text="ISO 4217, in small letters.", max_length=3)),
                ("active", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_packages",
                "ordering": ("price_minor", "slug"),
            },
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "tier",
                    models.CharField(
                        choices=[
                            ("free", "Free"),
                            ("starter", "Starter"),
                            ("professional", "Professional"),
                            ("enterprise", "Enterprise"),
                        ],
                        max_length=16,
                    ),
                ),
                ("credits_nano", models.BigIntegerField(help_text="Nanocredits per period.", verbose_name="credits")),
                (
                    "period",
                    models.CharField(
                        choices=[("once", "Once"), ("month", "Every calendar month")], default="month", max_length=5
                    ),
                ),
                (
                    "lasts_months",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="What is granted expires at the end of this month (1), of the next (2) ...; empty: never.",
                        null=True,
                    ),
                ),
                ("for_new_wallets", models.BooleanField(default=False, help_text="The plan of every new account.")),
                ("active", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_plans",
                "ordering": ("credits_nano", "slug"),
            },
        ),
        migrations.CreateModel(
            name="Purchase",
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
                ("package_version", models.PositiveIntegerField()),
                ("credits_nano", models.BigIntegerField(help_text="Nanocredits.")),
                ("amount_minor", models.PositiveIntegerField(help_text="In the currency's smallest unit.")),
                ("currency", models.CharField(max_length=3)),
                ("livemode", models.BooleanField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Not paid yet"),
                            ("paid", "Paid, credits granted"),
                            ("expired", "Expired unpaid"),
                            ("failed", "Payment failed"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("session_id", models.CharField(max_length=255, null=True, unique=True, verbose_name="Stripe session")),
                (
                    "payment_intent",
                    models.CharField(max_length=255, null=True, unique=True, verbose_name="Stripe payment intent"),
                ),
                ("url", models.TextField(blank=True, help_text="Where it is paid.", verbose_name="URL")),
                ("actor", models.CharField(help_text="Who bought it: user:N or key:N.", max_length=200)),
                (
                    "clawed_nano",
                    models.BigIntegerField(
                        default=0, help_text="Nanocredits that refunds and disputes have taken back."
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("paid_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "credits_purchases",
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="Reversal",
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
                ("kind", models.CharField(choices=[("refund", "Refund"), ("dispute", "Dispute")], max_length=8)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "Requested, credits held"),
                            ("taken", "Credits taken back"),
                            ("returned", "Credits returned"),
                            ("failed", "Failed, nothing taken"),
                        ],
                        max_length=10,
                    ),
                ),
                ("stripe_id", models.CharField(max_length=255, null=True, unique=True, verbose_name="Stripe ID")),
                ("amount_minor", models.PositiveIntegerField(help_text="In the currency's smallest unit.")),
                ("taken_nano", models.BigIntegerField(default=0, help_text="Nanocredits.")),
                ("hold_id", models.UUIDField(null=True, unique=True, verbose_name="hold ID")),
                ("reason", models.TextField(blank=True)),
                ("actor", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "db_table": "credits_reversals",
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="StripeEvent",
            fields=[
                ("id", models.CharField(max_length=255, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=120)),
                ("livemode", models.BooleanField()),
                ("created", models.DateTimeField(help_text="When it happened, by Stripe's clock.")),
                ("payload", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("applied", "Applied"),
                            ("ignored", "Of no concern"),
                            ("waiting", "Waiting for its purchase"),
                            ("refused", "Refused: it contradicts our books"),
                            ("failed", "Failed"),
                        ],
                        default="received",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "credits_stripe_events",
                "ordering": ("-received_at",),
            },
        ),
        migrations.RemoveConstraint(
            model_name="account",
            name="system_account_carries_no_balance",
        ),
        migrations.AddField(
            model_name="account",
            name="debt",
            field=models.BigIntegerField(
                default=0, help_text="Nanocredits that a refund or dispute took and weren't there."
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="expiring",
            field=models.BigIntegerField(default=0, help_text="Nanocredits of `posted` that are in lots."),
        ),
        migrations.AddField(
            model_name="account",
            name="next_expiry_at",
            field=models.DateTimeField(blank=True, help_text="When the first open lot expires.", null=True),
        ),
        migrations.AlterField(
            model_name="journal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("usage", "Usage"),
                    ("adjustment", "Adjustment"),
                    ("upstream_expense", "Upstream Expense"),
                    ("grant", "Grant"),
                    ("manual", "Manual"),
                    ("purchase", "Purchase"),
                    ("refund", "Refund"),
                    ("dispute", "Dispute"),
                    ("return", "Refund or dispute undone"),
                    ("debt_payment", "Debt Payment"),
                    ("expiry", "Expiry"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddField(
            model_name="lot",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="credits.account"
            ),
        ),
        migrations.AddField(
            model_name="lot",
            name="journal",
            field=models.ForeignKey(
                help_text="What granted it.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lots",
                to="credits.journal",
            ),
        ),
        migrations.AddField(
            model_name="lotentry",
            name="journal",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lot_entries", to="credits.journal"
            ),
        ),
        migrations.AddField(
            model_name="lotentry",
            name="lot",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="credits.lot"
            ),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(("credits_nano__gt", 0), ("price_minor__gt", 0)), name="package_sells_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.CheckConstraint(
                condition=models.Q(("currency__regex", "^[a-z]{3}$")), name="package_currency_is_a_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(condition=models.Q(("credits_nano__gte", 0)), name="plan_grants_no_debt"),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__in", ["free", "starter", "professional", "enterprise"])),
                name="plan_tier_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("period__in", ("once", "month"))), name="plan_period_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(("lasts_months__isnull", True), ("lasts_months__gte", 1), _connector="OR"),
                name="plan_credits_last_a_while",
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=models.UniqueConstraint(
                condition=models.Q(("for_new_wallets", True)),
                fields=("for_new_wallets",),
                name="plan_of_new_wallets_is_one",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="plan",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="accounts",
                to="credits.plan",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "wallet"),
                    models.Q(("debt", 0), ("entries_count", 0), ("expiring", 0), ("held", 0), ("posted", 0)),
                    _connector="OR",
                ),
                name="system_account_carries_no_balance",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("debt", 0), models.Q(("debt__gt", 0), ("posted", models.F("held"))), _connector="OR"
                ),
                name="wallet_pays_its_debt_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("expiring", 0), ("next_expiry_at__isnull", True)),
                    models.Q(
                        ("expiring__gt", 0), ("expiring__lte", models.F("posted")), ("next_expiry_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="wallet_holds_its_lots",
            ),
        ),
        migrations.AddField(
            model_name="purchase",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="purchases", to="credits.account"
            ),
        ),
        migrations.AddField(
            model_name="purchase",
            name="package",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="purchases",
                to="credits.package",
            ),
        ),
        migrations.AddField(
            model_name="reversal",
            name="purchase",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reversals", to="credits.purchase"
            ),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(fields=["received_at"], name="stripe_event_by_time"),
        ),
        migrations.AddIndex(
            model_name="stripeevent",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="stripe_event_due"
            ),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(
                condition=models.Q(("remaining__gt", 0)), fields=["account", "expires_at"], name="lot_open_by_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("remaining__gte", 0), ("remaining__lte", models.F("amount"))),
                name="lot_is_never_overspent",
            ),
        ),
        migrations.AddConstraint(
            model_name="lotentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount", 0), _negated=True), name="lot_entry_moves_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="lotentry",
            constraint=models.UniqueConstraint(fields=("lot", "journal"), name="lot_entry_once_per_journal"),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("open", "paid", "expired", "failed"))), name="purchase_state_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("clawed_nano__gte", 0), ("clawed_nano__lte", models.F("credits_nano"))),
                name="purchase_claws_back_what_it_granted",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "paid"), _negated=True),
                    models.Q(("paid_at__isnull", False), ("payment_intent__isnull", False)),
                    _connector="OR",
                ),
                name="purchase_paid_by_a_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("state", "paid"), ("clawed_nano", 0), _connector="OR"),
                name="purchase_claws_back_once_paid",
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("refund", "dispute"))), name="reversal_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("requested", "taken", "returned", "failed"))),
                name="reversal_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken_nano__gte", 0)), name="reversal_takes_no_debt"
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("taken", "returned")), _negated=True),
                    ("stripe_id__isnull", False),
                    _connector="OR",
                ),
                name="reversal_is_known_to_stripe",
            ),
        ),
        AppendOnly("credits_lot_entries"),
    ]
