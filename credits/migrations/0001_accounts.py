"""Wallets and system accounts."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: ClassVar = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
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
    ]
