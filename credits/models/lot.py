"""Lots: credits of a wallet that expire, and what became of them. What is in no lot never expires."""

from django.db import models
from django.db.models import F, Q

from credits.models.account import Account
from credits.models.journal import Journal


class Lot(models.Model):
    """Spent before what expires later or never. Only the book writes it, in the transaction that moves the money.

    Past `expires_at` what remains leaves the wallet, but for what open holds still need of it.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="lots", db_index=False)
    journal = models.ForeignKey(Journal, models.PROTECT, related_name="lots", help_text="What granted it.")
    amount = models.BigIntegerField(help_text="Nanocredits granted.")
    remaining = models.BigIntegerField(help_text="Nanocredits neither spent nor expired.")
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "credits_lots"
        ordering = ("expires_at", "id")
        indexes = (
            models.Index(fields=("account", "expires_at"), condition=Q(remaining__gt=0), name="lot_open_by_account"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(amount__gt=0, remaining__gte=0, remaining__lte=F("amount")),
                name="lot_is_never_overspent",
            ),
        )

    def __str__(self) -> str:
        return f"lot {self.pk}, until {self.expires_at:%Y-%m-%d %H:%M:%S}"


class LotEntry(models.Model):
    """A lot's part in a journal: granted, spent, given back or expired. Append-only; what remains is their sum."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="entries", db_index=False)
    journal = models.ForeignKey(Journal, models.PROTECT, related_name="lot_entries")
    amount = models.BigIntegerField(help_text="Nanocredits, positive into the lot.")

    class Meta:
        db_table = "credits_lot_entries"
        ordering = ("-id",)
        verbose_name_plural = "lot entries"
        constraints = (
            models.CheckConstraint(condition=~Q(amount=0), name="lot_entry_moves_something"),
            models.UniqueConstraint(fields=("lot", "journal"), name="lot_entry_once_per_journal"),
        )

    def __str__(self) -> str:
        return f"{self.amount} on {self.lot_id}"
