"""The books against Stripe's lists: what is missing is applied, what differs is told."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credits import checker
from credits.models import Purchase, Reversal, StripeReconciliation
from credits.stripe.reconciliation import reconcile
from credits.tasks import reconcile_stripe
from opscenter.core.models import AuditEntry
from tests.stripe.shop import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def run(**options: int) -> str:
    written = StringIO()
    call_command("reconcile_stripe", stdout=written, **options)
    return written.getvalue()


def test_books_that_agree_say_so(shop: Shop) -> None:
    purchase = shop.sell()
    shop.stripe.refund(purchase.payment_intent or "", 30)
    shop.deliver_all()
    assert run().splitlines() == ["1 sessions, 1 refunds, 0 disputes of 35 days", "0 differences"]
    assert StripeReconciliation.objects.get().finished_at is not None


def test_what_no_webhook_brought_is_applied(shop: Shop) -> None:
    paid, refunded, disputed, unpaid = (shop.buy() for _ in range(4))
    shop.pay(paid)
    shop.stripe.refund(shop.pay(refunded), 30)
    shop.stripe.dispute(shop.pay(disputed))
    shop.stripe.expire(unpaid.session_id or "")
    row = reconcile()
    assert (row.sessions, row.refunds, row.disputes, len(row.applied), row.differences) == (4, 1, 1, 5, [])
    assert shop.credits == (1700, 0)
    unpaid.refresh_from_db()
    assert unpaid.state == "expired"
    assert AuditEntry.objects.filter(action="reconcile").count() == 1
    assert reconcile().applied == []
    assert checker.check() == []


def test_lists_are_read_to_their_end(shop: Shop) -> None:
    session = shop.stripe.sessions[shop.buy().session_id or ""]
    for n in range(250):
        purchase = Purchase.objects.get(session_id=session["id"])
        purchase.pk, purchase.session_id = None, f"cs_test_x{n}"
        purchase.save(force_insert=True)
        metadata = session["metadata"] | {"opscenter_purchase": str(purchase.pk)}
        named = {"id": purchase.session_id, "client_reference_id": str(purchase.pk), "metadata": metadata}
        paid = {"payment_status": "paid", "status": "complete", "payment_intent": f"pi_x{n}"}
        shop.stripe.sessions[purchase.session_id] = session | named | paid
    assert len(reconcile().applied) == 250
    assert shop.credits == (250_000, 0)
    assert shop.stripe.asked.count("GET /v1/checkout/sessions") == 3


def test_what_is_sold_elsewhere_is_no_difference(shop: Shop) -> None:
    session = shop.stripe.sessions[shop.buy().session_id or ""]
    elsewhere: dict[str, Any] = {
        "id": "cs_other",
        "metadata": {},
        "client_reference_id": None,
        "payment_status": "paid",
    }
    shop.stripe.sessions["cs_other"] = session | elsewhere | {"payment_intent": "pi_other"}
    refund = {"id": "re_other", "object": "refund", "amount": 5, "currency": "usd", "status": "succeeded"}
    shop.stripe.refunds["re_other"] = refund | {"payment_intent": "pi_other", "created": session["created"]}
    row = reconcile()
    assert (row.sessions, row.refunds, row.differences) == (1, 0, [])


def test_differences_are_told_and_fail_the_command(shop: Shop) -> None:
    bought, cheaper, unknown = shop.sell(), shop.buy(), shop.buy()
    shop.pay(cheaper, amount_total=1)
    shop.pay(unknown)
    Purchase.objects.filter(pk=unknown.pk).delete()
    del shop.stripe.sessions[bought.session_id or ""]
    Purchase.objects.filter(pk=bought.pk).update(created_at=timezone.now() + timedelta(minutes=1))
    written = StringIO()
    with pytest.raises(CommandError, match="3 differences"):
        call_command("reconcile_stripe", stdout=written)
    told = written.getvalue()
    assert f"DIFFERS: session {cheaper.session_id}: Of purchase {cheaper.pk}, amount is 1, not 100." in told
    assert f"DIFFERS: session {unknown.session_id}: No purchase here belongs to it" in told
    assert f"DIFFERS: purchase {bought.pk}: Stripe has no session {bought.session_id}" in told
    assert shop.credits == (1000, 0)


def test_a_reversal_that_stripe_does_not_know_is_a_difference(shop: Shop) -> None:
    purchase = shop.sell()
    refund = shop.stripe.refund(purchase.payment_intent or "", 30)
    shop.deliver_all()
    del shop.stripe.refunds[refund["id"]]
    Reversal.objects.update(created_at=timezone.now() + timedelta(minutes=1))
    (difference,) = reconcile().differences
    assert difference == f"refund of {purchase.pk}: Stripe has no refund {refund['id']}"


def test_a_dispute_that_has_been_open_for_long_is_asked_for_by_itself(shop: Shop) -> None:
    purchase = shop.sell()
    dispute = shop.stripe.dispute(purchase.payment_intent or "")
    shop.deliver_all()
    dispute["created"] -= 100 * 86_400
    shop.stripe.win(dispute["id"])
    assert len(reconcile(days=7).applied) == 1
    assert shop.credits == (1000, 0)


def test_a_purchase_whose_session_nobody_was_told_of_expires(shop: Shop) -> None:
    purchase = shop.buy()
    Purchase.objects.update(session_id=None, created_at=timezone.now() - timedelta(hours=26))
    shop.stripe.sessions.clear()
    reconcile()
    purchase.refresh_from_db()
    assert purchase.state == "expired"


def test_where_stripe_does_not_answer_it_says_so(shop: Shop) -> None:
    shop.pay(shop.buy())
    shop.stripe.fail("GET /v1/refunds", 500)
    with pytest.raises(CommandError, match="Not completed"):
        run()
    row = StripeReconciliation.objects.get()
    assert (row.finished_at, len(row.applied)) == (None, 1)
    assert shop.credits == (1000, 0)


def test_it_runs_every_night(shop: Shop) -> None:
    shop.pay(shop.buy())
    assert reconcile_stripe() == 0
    assert shop.credits == (1000, 0)


def test_without_a_key_there_is_nothing_to_compare(db: None) -> None:
    with pytest.raises(CommandError, match="STRIPE_SECRET_KEY"):
        run()
