"""Accounts: users' wallets, and the system's own that every journal balances against."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from credits.models.fields import CreditsField
from opscenter.core.tiers import Tier


class AccountQuerySet(models.QuerySet["Account"]):
    def wallets(self) -> "AccountQuerySet":
        return self.filter(kind=Account.Kind.WALLET)

    def system(self) -> "AccountQuerySet":
        return self.filter(kind=Account.Kind.SYSTEM)


class Account(models.Model):
    """A wallet carries its balance, a system account none: one hot row serialises everyone.

    Only the book writes the amounts, by adding to what is stored: never `save()` a wallet that was read before.
    Whatever a wallet comes to have pays its debt first, so that nobody owes and has credits to spend.
    """

    class Kind(models.TextChoices):
        WALLET = "wallet"
        SYSTEM = "system"

    class Status(models.TextChoices):
        ACTIVE = "active"
        FROZEN = "frozen"

    class Standing(models.TextChoices):
        """What a call meets: refused while it isn't active."""

        ACTIVE = "active"
        FROZEN = "frozen"
        INDEBTED = "indebted"

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.WALLET)
    code = models.CharField(max_length=80, unique=True, help_text="wallet:USER, debt:USER, revenue, ...")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="credit_accounts"
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    tier = models.CharField(max_length=16, choices=Tier.choices, default=Tier.FREE)
    posted = models.BigIntegerField(default=0, help_text="Nanocredits: what all entries sum to.")
    held = models.BigIntegerField(default=0, help_text="Nanocredits that open holds reserve.")
    entries_count = models.BigIntegerField(default=0, help_text="Version of the newest entry.")
    debt = models.BigIntegerField(default=0, help_text="Nanocredits that a refund or dispute took and weren't there.")
    expiring = models.BigIntegerField(default=0, help_text="Nanocredits of `posted` that are in lots.")
    next_expiry_at = models.DateTimeField(null=True, blank=True, help_text="When the first open lot expires.")
    plan = models.ForeignKey(
        "credits.Plan", models.PROTECT, null=True, blank=True, related_name="accounts", db_index=False
    )
    next_grant_at = models.DateTimeField(null=True, blank=True, help_text="When its plan gives credits next.")
    budget_credits = CreditsField(
        "budget",
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Credits that all calls which it pays for may use up per period; empty means no limit.",
    )
    budget_period = models.CharField(
        max_length=5,
        choices=(("day", "Day"), ("week", "Week"), ("month", "Month")),
        default="month",
        help_text="What the budget is for: days, weeks from Monday, or months, in UTC.",
    )
    low_balance_credits = CreditsField(
        "low balance",
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Credits below which its balance is low; empty: as the alert rules say; 0: never.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        db_table = "llm_credits"
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=("next_expiry_at",), condition=Q(next_expiry_at__isnull=False), name="wallet_by_next_expiry"
            ),
            models.Index(fields=("next_grant_at",), condition=Q(next_grant_at__isnull=False), name="wallet_grant_due"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=("wallet", "system")), name="account_kind_is_known"),
            models.CheckConstraint(
                condition=Q(budget_credits__isnull=True) | Q(budget_credits__gte=0), name="account_budget_is_no_debt"
            ),
            models.CheckConstraint(
                condition=Q(budget_period__in=("day", "week", "month")), name="account_budget_period_is_known"
            ),
            models.CheckConstraint(
                condition=Q(low_balance_credits__isnull=True) | Q(low_balance_credits__gte=0),
                name="account_low_balance_is_no_debt",
            ),
            models.CheckConstraint(condition=Q(status__in=("active", "frozen")), name="account_status_is_known"),
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="account_tier_is_known"),
            models.CheckConstraint(
                condition=Q(kind="system") | Q(held__gte=0, held__lte=models.F("posted"), entries_count__gte=0),
                name="wallet_covers_its_holds",
            ),
            models.CheckConstraint(
                condition=Q(kind="wallet") | Q(posted=0, held=0, entries_count=0, debt=0, expiring=0),
                name="system_account_carries_no_balance",
            ),
            models.CheckConstraint(
                condition=Q(debt=0) | Q(debt__gt=0, posted=models.F("held")), name="wallet_pays_its_debt_first"
            ),
            models.CheckConstraint(
                condition=Q(expiring=0, next_expiry_at__isnull=True)
                | Q(expiring__gt=0, expiring__lte=models.F("posted"), next_expiry_at__isnull=False),
                name="wallet_holds_its_lots",
            ),
            models.CheckConstraint(
                condition=Q(kind="wallet", user__isnull=False) | Q(kind="system", user__isnull=True),
                name="wallet_alone_has_a_user",
            ),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def available(self) -> int:
        """Nanocredits that a new hold may still take."""
        return self.posted - self.held

    @property
    def standing(self) -> Standing:
        """An operator's freeze outlasts a debt, and is told before it."""
        if self.is_frozen:
            return self.Standing.FROZEN
        return self.Standing.INDEBTED if self.debt else self.Standing.ACTIVE

    @property
    def is_frozen(self) -> bool:
        return self.status == self.Status.FROZEN
