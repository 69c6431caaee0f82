"""What is for sale, what was bought, and what of it went back."""

from django.db import models
from django.db.models import F, Q

from credits.models.account import Account
from opscenter.core.ids import uuid7


class Package(models.Model):
    """Credits at a price, sent to Stripe as inline price_data. A purchase keeps what it was sold at."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    credits_nano = models.BigIntegerField("credits", help_text="Nanocredits.")
    price_minor = models.PositiveIntegerField("price", help_text="In the currency's smallest unit: cents.")
    currency = models.CharField(max_length=3, default="usd", help_text="ISO 4217, in small letters.")
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_packages"
        ordering = ("price_minor", "slug")
        constraints = (
            models.CheckConstraint(condition=Q(credits_nano__gt=0, price_minor__gt=0), name="package_sells_something"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[a-z]{3}$"), name="package_currency_is_a_code"),
        )

    def __str__(self) -> str:
        return self.name


class Purchase(models.Model):
    """One Checkout Session. Credits are granted once, under `stripe:pi:PAYMENT_INTENT`, when Stripe says it is paid
    and amount, currency, livemode and package are this row's. Its id is the session's client_reference_id.
    """

    class State(models.TextChoices):
        OPEN = "open", "Not paid yet"
        PAID = "paid", "Paid, credits granted"
        EXPIRED = "expired", "Expired unpaid"
        FAILED = "failed", "Payment failed"

    id = models.UUIDField("ID", primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="purchases")
    package = models.ForeignKey(Package, models.PROTECT, related_name="purchases", db_index=False)
    package_version = models.PositiveIntegerField()
    credits_nano = models.BigIntegerField(help_text="Nanocredits.")
    amount_minor = models.PositiveIntegerField(help_text="In the currency's smallest unit.")
    currency = models.CharField(max_length=3)
    livemode = models.BooleanField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    session_id = models.CharField("Stripe session", max_length=255, unique=True, null=True)  # noqa: DJ001 - unique once it is known
    payment_intent = models.CharField("Stripe payment intent", max_length=255, unique=True, null=True)  # noqa: DJ001 - unique once it is known
    url = models.TextField("URL", blank=True, help_text="Where it is paid.")
    actor = models.CharField(max_length=200, help_text="Who bought it: user:N or key:N.")
    clawed_nano = models.BigIntegerField(default=0, help_text="Nanocredits that refunds and disputes have taken back.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "credits_purchases"
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=("open", "paid", "expired", "failed")), name="purchase_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(clawed_nano__gte=0, clawed_nano__lte=F("credits_nano")),
                name="purchase_claws_back_what_it_granted",
            ),
            models.CheckConstraint(
                condition=~Q(state="paid") | Q(payment_intent__isnull=False, paid_at__isnull=False),
                name="purchase_paid_by_a_payment",
            ),
            models.CheckConstraint(condition=Q(state="paid") | Q(clawed_nano=0), name="purchase_claws_back_once_paid"),
        )

    def __str__(self) -> str:
        return str(self.id)

    def due_nano(self, minor: int) -> int:
        """What is to be taken back once `minor` of the price went back, in whatever parts; at most what was granted."""
        return min(self.credits_nano, self.credits_nano * minor // self.amount_minor)


class Reversal(models.Model):
    """Money that goes back to the buyer: a refund, started by us or at Stripe, or a dispute.

    A refund of ours is REQUESTED first, its credits held; `stripe_id` is Stripe's once there is one; while it is
    REQUESTED, `updated_at` is when it was last tried. `amount_minor` and `returned_minor` only grow, so that it doesn't
    matter which of Stripe's messages comes first: what a bank withdraws again after it came back is added. A purchase's
    reversals share what it granted: `taken_nano` is this one's part, and their sum is the purchase's `clawed_nano`.
    """

    class Kind(models.TextChoices):
        REFUND = "refund"
        DISPUTE = "dispute"

    class State(models.TextChoices):
        REQUESTED = "requested", "Requested, credits held"
        TAKEN = "taken", "Credits taken back"
        RETURNED = "returned", "Credits returned"
        FAILED = "failed", "Failed, nothing taken"

    id = models.UUIDField("ID", primary_key=True, default=uuid7, editable=False)
    purchase = models.ForeignKey(Purchase, models.PROTECT, related_name="reversals")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices)
    stripe_id = models.CharField("Stripe ID", max_length=255, unique=True, null=True)  # noqa: DJ001 - unique once it is known
    amount_minor = models.PositiveIntegerField(help_text="In the currency's smallest unit.")
    returned_minor = models.PositiveIntegerField(
        default=0, help_text="What came back: of a refund that failed, of a dispute that was won."
    )
    taken_nano = models.BigIntegerField(default=0, help_text="Nanocredits.")
    hold_id = models.UUIDField("hold ID", null=True, unique=True)
    allow_debt = models.BooleanField(
        default=False, help_text="Pay back even where the credits are spent: the buyer owes them."
    )
    reason = models.TextField(blank=True)
    actor = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "credits_reversals"
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("updated_at",), condition=Q(state="requested"), name="reversal_requested"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=("refund", "dispute")), name="reversal_kind_is_known"),
            models.CheckConstraint(
                condition=Q(state__in=("requested", "taken", "returned", "failed")), name="reversal_state_is_known"
            ),
            models.CheckConstraint(condition=Q(taken_nano__gte=0), name="reversal_takes_no_debt"),
            models.CheckConstraint(
                condition=Q(returned_minor__lte=F("amount_minor")), name="reversal_returns_what_it_took"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("taken", "returned")) | Q(stripe_id__isnull=False),
                name="reversal_is_known_to_stripe",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id or self.id}"

    @property
    def effective_minor(self) -> int:
        """What of the purchase's price is with the buyer again, as far as this goes."""
        return self.amount_minor - self.returned_minor if self.state == self.State.TAKEN else 0
