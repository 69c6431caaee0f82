"""Holds: credits reserved for one request before its first byte goes upstream."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from credits.models.account import Account


class HoldQuerySet(models.QuerySet["Hold"]):
    def open(self) -> "HoldQuerySet":
        return self.filter(state=Hold.State.HELD)


class Hold(models.Model):
    """Its id is the request's. It ends once, CAPTURED or VOIDED, guarded by its state and lease epoch.

    `rates` are those in force when it was made. The sweep counts `lease_epoch` up when it
    ends a hold whose worker is gone: so that worker's late settle is told from a second one.
    """

    class State(models.TextChoices):
        HELD = "HELD"
        CAPTURED = "CAPTURED"
        VOIDED = "VOIDED"

    class Mode(models.TextChoices):
        PLATFORM = "platform"
        BYOK = "byok"
        FREE = "free"

    FIRST_EPOCH: ClassVar[int] = 1

    id = models.UUIDField("ID", primary_key=True)
    account = models.ForeignKey(Account, models.PROTECT, related_name="holds", db_index=False)
    virtual_key_id = models.BigIntegerField("virtual key ID", null=True, blank=True)
    amount = models.BigIntegerField(help_text="Nanocredits reserved.")
    captured = models.BigIntegerField(null=True, blank=True, help_text="Nanocredits charged.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.HELD)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.PLATFORM)
    rates = models.JSONField(default=dict, blank=True)
    basis = models.TextField(blank=True, default="", help_text="What the charge was reckoned from.")
    dispatched_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField()
    delivered_tokens = models.BigIntegerField(default=0)
    checkpoint_amount = models.BigIntegerField(default=0, help_text="Nanocredits that delivered_tokens cost.")
    lease_epoch = models.IntegerField(default=FIRST_EPOCH)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        db_table = "credits_holds"
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("heartbeat_at",), condition=Q(state="HELD"), name="hold_open_by_heartbeat"),
            models.Index(fields=("account",), condition=Q(state="HELD"), name="hold_open_by_account"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(state__in=("HELD", "CAPTURED", "VOIDED")), name="hold_state_is_known"),
            models.CheckConstraint(condition=Q(mode__in=("platform", "byok", "free")), name="hold_mode_is_known"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="hold_amount_is_no_debt"),
            models.CheckConstraint(
                condition=Q(state="CAPTURED", captured__isnull=False)
                | (~Q(state="CAPTURED") & Q(captured__isnull=True)),
                name="hold_captured_set_when_captured",
            ),
            models.CheckConstraint(
                condition=Q(captured__isnull=True) | Q(captured__gte=0, captured__lte=F("amount")),
                name="hold_captures_what_it_held",
            ),
            models.CheckConstraint(condition=Q(mode="platform") | Q(amount=0), name="hold_free_of_charge_is_zero"),
            models.CheckConstraint(
                condition=Q(state="HELD", closed_at__isnull=True) | (~Q(state="HELD") & Q(closed_at__isnull=False)),
                name="hold_open_until_closed",
            ),
            models.CheckConstraint(
                condition=Q(delivered_tokens__gte=0, checkpoint_amount__gte=0, lease_epoch__gte=1),
                name="hold_progress_is_no_debt",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state == self.State.HELD
