"""The checker finds each kind of damage to lots, debts and purchases."""

from collections.abc import Callable

import pytest
from django.db.models import F
from django.utils import timezone

from credits import checker
from credits.models import Account, Entry, Journal, Lot, LotEntry, Package, Purchase, Reversal
from credits.tasks import expire_credits
from opscenter.core.ids import uuid7
from tests.credits.ledger import DAY, capture, claw_back, held, pass_time, post
from tests.database import lifted_checks, lifted_triggers


@pytest.fixture
def rich(alice: Account) -> Account:
    """Of three lots one is spent in part, one expired in part for a call that is in flight; a purchase went back."""
    post(alice, 40, lasts_s=DAY)
    held(alice, 30)
    pass_time(DAY + 1)
    for days in (1, 2):
        post(alice, 20, lasts_s=days * DAY)
    capture(held(alice, 12), 12)
    buy(alice, 1000, back=300)
    return alice


@pytest.fixture
def poor(bob: Account) -> Account:
    """Spent what was bought, and owes what went back; paid a part of it."""
    buy(bob, 100, back=0)
    capture(held(bob, 80), 80)
    buy(bob, 50, back=50)
    claw_back(bob, 60)
    buy(bob, 30, back=0)
    return bob


def buy(account: Account, credits_nano: int, *, back: int) -> None:
    """As it is written for a purchase that was paid and partly refunded."""
    package = Package.objects.get_or_create(
        slug="small", defaults={"name": "Small", "credits_nano": 10**9, "price_minor": 100}
    )[0]
    purchase = Purchase.objects.create(
        account=account,
        package=package,
        package_version=1,
        credits_nano=credits_nano,
        amount_minor=100,
        currency="usd",
        livemode=False,
        state=Purchase.State.PAID,
        payment_intent=f"pi_{uuid7().hex}",
        paid_at=timezone.now(),
        clawed_nano=back,
    )
    key = f"stripe:pi:{purchase.payment_intent}"
    post(account, credits_nano, against="purchases", kind="purchase", key=key)
    if back:
        refund = Reversal.objects.create(
            purchase=purchase,
            kind=Reversal.Kind.REFUND,
            state=Reversal.State.TAKEN,
            stripe_id=f"re_{uuid7().hex}",
            amount_minor=30,
            taken_nano=back,
        )
        key = f"stripe:re:{refund.stripe_id}"
        post(account, -back - 5, against="refunds", kind="refund", key=key, owed=True)
        post(account, 5, against="refunds", kind="return", key=f"{key}:failed")


def found() -> list[str]:
    return sorted({problem.invariant for problem in checker.check()})


# --- lots ---


def a_spent_lot(wallet: Account) -> Lot:
    return Lot.objects.get(account=wallet, remaining=8)


def overspend_a_lot(wallet: Account) -> None:
    Lot.objects.filter(pk=a_spent_lot(wallet).pk).update(remaining=-2)


def refill_a_lot(wallet: Account) -> None:
    Lot.objects.filter(pk=a_spent_lot(wallet).pk).update(remaining=21)


def forget_what_a_lot_lost(wallet: Account) -> None:
    a_spent_lot(wallet).entries.filter(amount__lt=0).delete()


def enlarge_a_lot(wallet: Account) -> None:
    Lot.objects.filter(pk=a_spent_lot(wallet).pk).update(amount=25)


def change_what_expires(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(expiring=F("expiring") - 1)


def postpone_the_next_expiry(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(next_expiry_at=timezone.now())


def forget_the_next_expiry(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(next_expiry_at=None)


def take_more_of_lots_than_of_the_wallet(wallet: Account) -> None:
    part = LotEntry.objects.get(journal__kind="usage", lot__account=wallet)
    LotEntry.objects.filter(pk=part.pk).update(amount=-13)
    Lot.objects.filter(pk=part.lot_id).update(remaining=7)
    Account.objects.filter(pk=wallet.pk).update(expiring=F("expiring") - 1)


def spend_a_lot_of_nobodys(wallet: Account) -> None:
    """By a journal that moved no wallet."""
    journal = Journal.objects.create(idempotency_key="manual:x", kind="manual", created_at=timezone.now())
    lot = a_spent_lot(wallet)
    LotEntry.objects.create(lot=lot, journal=journal, amount=-1)
    Lot.objects.filter(pk=lot.pk).update(remaining=7)
    Account.objects.filter(pk=wallet.pk).update(expiring=F("expiring") - 1)


def expire_more_than_the_lot(wallet: Account) -> None:
    """The rest was no lot's."""
    journal = Journal.objects.get(kind="expiry")
    Entry.objects.filter(journal=journal, account=wallet).update(amount=-12)
    Entry.objects.filter(journal=journal, account__code="expired").update(amount=12)
    shift_the_balance(wallet, since=journal, amount=-2)


def shift_the_balance(wallet: Account, *, since: Journal, amount: int) -> None:
    version = Entry.objects.get(journal=since, account=wallet).version
    Entry.objects.filter(account=wallet, version__gte=version).update(balance_after=F("balance_after") + amount)
    Account.objects.filter(pk=wallet.pk).update(posted=F("posted") + amount)


def leave_a_lot_past_its_time(wallet: Account) -> None:
    """Nobody had it expire; what the call in flight may need is another."""
    pass_time(DAY + 601)


def forget_who_kept_a_lot(wallet: Account) -> None:
    pass_time(601)
    wallet.holds.filter(state="HELD").update(created_at=timezone.now())


@pytest.mark.parametrize(
    "damage",
    [
        overspend_a_lot,
        refill_a_lot,
        forget_what_a_lot_lost,
        enlarge_a_lot,
        change_what_expires,
        postpone_the_next_expiry,
        forget_the_next_expiry,
        take_more_of_lots_than_of_the_wallet,
        spend_a_lot_of_nobodys,
        expire_more_than_the_lot,
        leave_a_lot_past_its_time,
        forget_who_kept_a_lot,
    ],
)
def test_damage_to_lots_is_found(rich: Account, damage: Callable[[Account], None]) -> None:
    assert found() == []
    with (
        lifted_triggers(),
        lifted_checks("credits_lots", "lot_is_never_overspent"),
        lifted_checks("llm_credits", "wallet_holds_its_lots"),
    ):
        damage(rich)
    assert found() == ["I11"]


def test_a_lot_that_expired_just_now_is_the_next_tasks(rich: Account) -> None:
    pass_time(DAY + 60)
    assert found() == []
    assert expire_credits() == 8
    assert found() == []


# --- debts ---


def owe_more(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(debt=F("debt") + 1)


def forget_a_debt(wallet: Account) -> None:
    Account.objects.filter(pk=wallet.pk).update(debt=0)


def have_an_account_too_few(wallet: Account) -> None:
    Account.objects.filter(code=f"debt:{wallet.user_id}").update(code="debt:nobody")


@pytest.mark.parametrize("damage", [owe_more, forget_a_debt, have_an_account_too_few])
def test_damage_to_debts_is_found(poor: Account, damage: Callable[[Account], None]) -> None:
    assert found() == []
    with lifted_checks("llm_credits", "wallet_pays_its_debt_first"):
        damage(poor)
    assert "I12" in found()


def test_credits_of_somebody_who_owes_are_found(alice: Account) -> None:
    post(alice, 100)
    hold_id = held(alice, 100)
    claw_back(alice, 10)
    with lifted_triggers(), lifted_checks("llm_credits", "wallet_pays_its_debt_first"):
        alice.holds.filter(pk=hold_id).update(amount=90)
        Account.objects.filter(pk=alice.pk).update(held=90)
    assert found() == ["I12"]


# --- purchases ---


def a_purchase(wallet: Account) -> Purchase:
    return Purchase.objects.get(account=wallet, credits_nano=1000)


def grant_less_than_was_paid(wallet: Account) -> None:
    Purchase.objects.filter(pk=a_purchase(wallet).pk).update(credits_nano=1001)


def grant_to_somebody_else(wallet: Account) -> None:
    Purchase.objects.filter(pk=a_purchase(wallet).pk).update(account=Account.objects.wallets().exclude(pk=wallet.pk)[0])


def forget_the_grant(wallet: Account) -> None:
    key = f"stripe:pi:{a_purchase(wallet).payment_intent}"
    Journal.objects.filter(idempotency_key=key).update(idempotency_key="manual:lost", kind="manual")


def grant_what_nobody_paid(wallet: Account) -> None:
    Purchase.objects.filter(pk=a_purchase(wallet).pk).update(state="open", clawed_nano=0)
    Reversal.objects.filter(purchase=a_purchase(wallet)).update(taken_nano=0)


def grant_by_another_key_too(wallet: Account) -> None:
    Journal.objects.create(idempotency_key="stripe:pi:again", kind="purchase", created_at=timezone.now())


def claw_back_more_than_was_granted(wallet: Account) -> None:
    purchase = a_purchase(wallet)
    Purchase.objects.filter(pk=purchase.pk).update(clawed_nano=1001)


def forget_what_went_back(wallet: Account) -> None:
    Purchase.objects.filter(pk=a_purchase(wallet).pk).update(clawed_nano=299)


def misattribute_what_went_back(wallet: Account) -> None:
    Reversal.objects.filter(purchase=a_purchase(wallet)).update(taken_nano=299)


def take_back_for_nothing(wallet: Account) -> None:
    Reversal.objects.filter(purchase=a_purchase(wallet)).update(stripe_id="re_other")


@pytest.mark.parametrize(
    "damage",
    [
        grant_less_than_was_paid,
        grant_to_somebody_else,
        forget_the_grant,
        grant_what_nobody_paid,
        grant_by_another_key_too,
        claw_back_more_than_was_granted,
        forget_what_went_back,
        misattribute_what_went_back,
        take_back_for_nothing,
    ],
)
def test_damage_to_purchases_is_found(rich: Account, bob: Account, damage: Callable[[Account], None]) -> None:
    assert found() == []
    with lifted_triggers(), lifted_checks("credits_purchases", "purchase_claws_back_what_it_granted"):
        damage(rich)
    assert found() == ["I7"]
