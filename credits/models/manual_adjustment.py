"""Credits given or taken back by hand: who asked for it and, where it was much, who else agreed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from credits.models.account import Account
from opscenter.core.ids import uuid7


class ManualAdjustmentQuerySet(models.QuerySet["ManualAdjustment"]):
    def waiting(self) -> "ManualAdjustmentQuerySet":
        """For a second person, in time."""
        return self.filter(state=ManualAdjustment.State.PROPOSED, expires_at__gt=timezone.now())


class ManualAdjustment(models.Model):
    """MADE by the journal manual:ID, at once or when a second person approved it. What was PROPOSED ends once."""

    class State(models.TextChoices):
        MADE = "made", "Made"
        PROPOSED = "proposed", "Waiting for a second person"
        DECLINED = "declined", "Declined"

    id = models.UUIDField("ID", primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="manual_adjustments")
    amount = models.BigIntegerField(help_text="Nanocredits, positive into the account.")
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=8, choices=State.choices)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    remark = models.CharField(max_length=500, blank=True, help_text="Why it was declined.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when it can be approved.")
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = ManualAdjustmentQuerySet.as_manager()

    class Meta:
        db_table = "credits_manual_adjustments"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("proposed_by", "created_at"), name="adjustment_by_proposer"),
            models.Index(fields=("expires_at",), condition=Q(state="proposed"), name="adjustment_waiting"),
        )
        constraints = (
            models.CheckConstraint(condition=~Q(amount=0), name="adjustment_moves_something"),
            models.CheckConstraint(
                condition=Q(state="made")
                | Q(state="proposed", expires_at__isnull=False, decided_by__isnull=True)
                | Q(state="declined", decided_by__isnull=False),
                name="adjustment_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True, decided_at__isnull=True)
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="adjustment_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | ~Q(state="made") | Q(decided_by__isnull=False),
                name="adjustment_made_when_approved",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_waiting(self) -> bool:
        return self.state == self.State.PROPOSED and not self.is_expired

    @property
    def is_expired(self) -> bool:
        proposed = self.state == self.State.PROPOSED and self.expires_at is not None
        return proposed and self.expires_at <= timezone.now()  # type: ignore[operator]  # mypy forgets the line above

    @property
    def journal_key(self) -> str:
        return f"manual:{self.id}"
