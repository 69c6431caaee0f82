"""Balances that are low: which, since when, and from where on a balance is low."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from credits import amounts
from credits.models.account import Account
from credits.models.fields import CreditsField


class AlertRules(models.Model):
    """The one row (id 1) of what operators want to be told of."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    low_balance_credits = CreditsField(
        "low balance",
        default=100,
        validators=[MinValueValidator(0)],
        help_text="Credits below which a balance is low, for accounts that have no threshold of their own; 0: never.",
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_alert_rules"
        verbose_name = verbose_name_plural = "alert rules"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="alert_rules_are_one_row"),
            models.CheckConstraint(condition=models.Q(low_balance_credits__gte=0), name="alert_rules_are_no_debt"),
        ]

    def __str__(self) -> str:
        return "Alert rules"

    @classmethod
    def in_force(cls) -> "AlertRules":
        return cls.objects.filter(pk=1).first() or cls()

    def threshold_of(self, account: Account) -> int:
        """Nanocredits below which the account's balance is low; 0: it never is."""
        own = account.low_balance_credits
        return amounts.to_nano((self.low_balance_credits or 0) if own is None else own)


class LowBalance(models.Model):
    """A wallet that was spent from and came below its threshold; gone when it has risen above again."""

    account = models.OneToOneField(Account, models.PROTECT, related_name="low_balance")
    since = models.DateTimeField()
    balance_nano = models.BigIntegerField("balance", help_text="Nanocredits, when it was noticed.")
    threshold_nano = models.BigIntegerField("threshold", help_text="Nanocredits.")

    class Meta:
        db_table = "credits_low_balances"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.account} is low"
