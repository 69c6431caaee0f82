"""A row of everything that credits are sold, given and expired by."""

from datetime import timedelta

from django.utils import timezone

from credits.amounts import NANO
from credits.models import (
    Account,
    Lot,
    LotEntry,
    ManualAdjustment,
    Package,
    Purchase,
    Reversal,
    StripeEvent,
    StripeReconciliation,
)
from opscenter.core.models import User


def make_money(wallet: Account, operator: User) -> None:
    """Past the services, whose own tests are elsewhere; the wallet stays what its entries sum to."""
    now = timezone.now()
    granted = wallet.entries.earliest("version").journal
    lot = Lot.objects.create(
        account=wallet, journal=granted, amount=5 * NANO, remaining=2 * NANO, expires_at=now + timedelta(days=3)
    )
    LotEntry.objects.create(lot=lot, journal=granted, amount=5 * NANO)
    Account.objects.filter(pk=wallet.pk).update(expiring=2 * NANO, next_expiry_at=lot.expires_at)
    ManualAdjustment.objects.create(
        account=wallet,
        amount=2_000_000 * NANO,
        reason="A large customer",
        state=ManualAdjustment.State.PROPOSED,
        proposed_by=operator,
        expires_at=now + timedelta(days=7),
    )
    _make_sale(wallet)


def _make_sale(wallet: Account) -> None:
    now = timezone.now()
    package = Package.objects.create(slug="of-a-test", name="Of a test", credits_nano=1000 * NANO, price_minor=100)
    purchase = Purchase.objects.create(
        account=wallet,
        package=package,
        package_version=1,
        credits_nano=1000 * NANO,
        amount_minor=100,
        currency="usd",
        livemode=False,
        state=Purchase.State.PAID,
        session_id="cs_of_a_test",
        payment_intent="pi_of_a_test",
        actor="user:1",
        clawed_nano=500 * NANO,
        paid_at=now,
    )
    Reversal.objects.create(
        purchase=purchase,
        kind=Reversal.Kind.REFUND,
        state=Reversal.State.TAKEN,
        stripe_id="re_of_a_test",
        amount_minor=50,
        taken_nano=500 * NANO,
    )
    StripeEvent.objects.create(
        id="evt_of_a_test",
        type="charge.refunded",
        livemode=False,
        created=now,
        payload={"data": {"object": {"id": "ch_<b>"}}},
        payment_intent="pi_of_a_test",
        state=StripeEvent.State.WAITING,
    )
    StripeReconciliation.objects.create(
        days=35, livemode=False, finished_at=now, differences=["Stripe has re_other, the books have not."]
    )
