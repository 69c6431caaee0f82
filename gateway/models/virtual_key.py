"""Bearer credentials: virtual keys and access tokens, hashed, expiring, revocable, in one table."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from credits.models.fields import CreditsField
from opscenter.core.models import Limited, limits_are_usable


class VirtualKeyQuerySet(models.QuerySet["VirtualKey"]):
    def live(self) -> Self:
        """Neither revoked nor expired, of active users."""
        unexpired = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at__isnull=True, user__is_active=True)

    def virtual(self) -> Self:
        return self.filter(kind=VirtualKey.Kind.VIRTUAL)


class VirtualKey(Limited):
    """What a consumer holds. Only the SHA-256 of the whole key is stored; the key itself is shown once.

    An access token is a short-lived key made by signing in: it carries all of its user's permissions, while a
    virtual key carries at most llm.read and llm.execute. What a session calls by is a key of the same rights, whose
    secret nobody has.
    """

    class Kind(models.TextChoices):
        VIRTUAL = "virtual", "Virtual key"
        ACCESS = "access", "Access token"
        SESSION = "session", "Browser's session"

    class Environment(models.TextChoices):
        DEV = "dev", "Development"
        TEST = "test", "Test"
        STAGING = "staging", "Staging"
        EVAL = "eval", "Evaluation"
        PROD = "prod", "Production"

        @classmethod
        def named(cls, text: str) -> "VirtualKey.Environment | None":
            """By its short or long form: prod, Production."""
            return next((one for one in cls if text.lower() in (one.value, one.label.lower())), None)

    class BudgetPeriod(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.VIRTUAL)
    public_id = models.CharField(max_length=16, unique=True, help_text="The part of the key that may be shown.")
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="virtual_keys", help_text="Who acts by it."
    )
    account = models.ForeignKey(
        "credits.Account", on_delete=models.PROTECT, related_name="virtual_keys", help_text="Which wallet pays."
    )
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="children",
        help_text="The key that this one was made under, and never goes beyond.",
    )
    self_issued = models.BooleanField(
        default=False,
        editable=False,
        help_text="Its user made it and may widen it again; what an operator made they may only narrow.",
    )
    name = models.CharField(max_length=100, blank=True)
    environment = models.CharField(max_length=10, choices=Environment, default=Environment.DEV)
    component = models.CharField(max_length=100, blank=True, help_text="Tags the usage of this key.")
    power_level = models.CharField(
        max_length=20, default="precision", help_text="Slug of the power level that calls by this key get."
    )
    allowed_models = models.JSONField(
        null=True, blank=True, help_text="List of model names that this key may call; empty means all."
    )
    allowed_purposes = models.JSONField(
        null=True, blank=True, help_text='List out of "chat", "embeddings", "reranking"; empty means all.'
    )
    budget_credits = CreditsField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Credits that calls by this key may use up per period; empty means no limit.",
    )
    budget_period = models.CharField(
        max_length=5,
        choices=BudgetPeriod,
        default=BudgetPeriod.MONTH,
        help_text="What the budget is for: days, weeks from Monday, or months, in UTC.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    rotated_at = models.DateTimeField(null=True, blank=True, editable=False)
    grace_ends_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the last secret from before a rotation stops working."
    )
    reauthenticated_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = VirtualKeyQuerySet.as_manager()

    class Meta:
        db_table = "llm_virtual_keys"
        ordering = ("-id",)
        verbose_name = "virtual key"
        indexes: ClassVar = [
            models.Index(fields=("user", "kind"), name="virtual_key_by_user"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(budget_credits__isnull=True) | Q(budget_credits__gte=0),
                name="virtual_key_budget_is_no_debt",
            ),
            models.CheckConstraint(
                condition=Q(budget_period__in=("day", "week", "month")), name="virtual_key_budget_period_is_known"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="virtual_key_is_not_its_own_parent"
            ),
            limits_are_usable(name="virtual_key_limits_are_usable"),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind="session", revoked_at__isnull=True),
                name="virtual_key_one_for_sessions",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.get_kind_display()} ({self.masked})"

    @property
    def masked(self) -> str:
        return f"{PREFIXES[self.kind]}{self.public_id}…"

    @property
    def state(self) -> str:
        """revoked, expired or active."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "active"

    @property
    def grace_until(self) -> datetime | None:
        """Until when a secret from before a rotation works, while one does."""
        return self.grace_ends_at if self.grace_ends_at and self.grace_ends_at > timezone.now() else None


PREFIXES: dict[str, str] = {
    VirtualKey.Kind.VIRTUAL: "sk-ops-",
    VirtualKey.Kind.ACCESS: "ops-at-",
    VirtualKey.Kind.SESSION: "session-",
}
