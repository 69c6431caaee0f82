"""Journals and their entries: the double entry that says where every nanocredit came from and went.

Append-only in the database itself. The ledger's book is the only writer; a mistake is met by a correcting
journal, never by a change. At commit PostgreSQL refuses a journal that doesn't sum to 0.
"""

from uuid import UUID

from django.db import models
from django.db.models import Q

from credits.models.account import Account

_OF_REQUESTS = ("usage", "adj", "expense")
_MOST_CORRECTIONS = 9


class JournalQuerySet(models.QuerySet["Journal"]):
    def of_request(self, request_id: UUID) -> "JournalQuerySet":
        """What a request cost, what was corrected of it, and what it cost the operator; by index."""
        corrections = [f"adj:{request_id}:{number}" for number in range(1, _MOST_CORRECTIONS + 1)]
        return self.filter(idempotency_key__in=[f"usage:{request_id}", f"expense:{request_id}", *corrections])


class Journal(models.Model):
    """One happening; `idempotency_key` makes it happen once: usage:REQUEST, manual:UUID, ..."""

    class Kind(models.TextChoices):
        USAGE = "usage"
        ADJUSTMENT = "adjustment"
        UPSTREAM_EXPENSE = "upstream_expense"
        GRANT = "grant"
        MANUAL = "manual"
        PURCHASE = "purchase"
        REFUND = "refund"
        DISPUTE = "dispute"
        RETURN = "return", "Refund or dispute undone"
        DEBT_PAYMENT = "debt_payment"
        EXPIRY = "expiry"

    idempotency_key = models.CharField(max_length=200)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=200, blank=True, help_text="user:N, key:N, command:NAME or task:NAME")
    created_at = models.DateTimeField(db_index=True)

    objects = JournalQuerySet.as_manager()

    class Meta:
        db_table = "credits_journals"
        ordering = ("-id",)
        constraints = (
            # A constraint, not unique=True, which would cost a second index on PostgreSQL.
            models.UniqueConstraint(fields=("idempotency_key",), name="journal_happens_once"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="journal_has_a_key"),
        )

    def __str__(self) -> str:
        return self.idempotency_key

    @property
    def request_id(self) -> UUID | None:
        """The request that it is about, which is also the id of the request's hold."""
        what, _, rest = self.idempotency_key.partition(":")
        try:
            return UUID(rest.partition(":")[0]) if what in _OF_REQUESTS else None
        except ValueError:
            return None


class Entry(models.Model):
    """One account's side of a journal. A wallet's are numbered 1..n and carry the balance they left."""

    journal = models.ForeignKey(Journal, models.PROTECT, related_name="entries")
    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", db_index=False)
    amount = models.BigIntegerField(help_text="Nanocredits, positive into the account.")
    version = models.BigIntegerField(null=True, blank=True)
    balance_after = models.BigIntegerField(null=True, blank=True)
    model = models.TextField(blank=True, default="")
    provider = models.TextField(blank=True, default="")
    tokens = models.BigIntegerField(default=0)

    class Meta:
        db_table = "llm_transactions"
        ordering = ("-id",)
        verbose_name_plural = "entries"
        indexes = (
            # What isn't a call's is rare, is asked for by its kind, and can't be found among a million calls. A call's
            # entry isn't in it, and costs nothing for it.
            models.Index(
                fields=("account", "version"),
                condition=Q(model="", version__isnull=False),
                name="entry_without_model",
            ),
        )
        constraints = (
            models.CheckConstraint(condition=~Q(amount=0), name="entry_moves_something"),
            models.CheckConstraint(condition=Q(tokens__gte=0), name="entry_tokens_are_no_debt"),
            models.CheckConstraint(
                condition=Q(version__isnull=True, balance_after__isnull=True)
                | Q(version__gte=1, version__isnull=False, balance_after__gte=0, balance_after__isnull=False),
                name="entry_version_comes_with_balance",
            ),
            # Also the index by account: a wallet's statement in order, a system account's sum.
            models.UniqueConstraint(fields=("account", "version"), name="entry_version_once_per_account"),
        )

    def __str__(self) -> str:
        return f"{self.amount} on account {self.account_id}"
