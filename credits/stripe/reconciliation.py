"""The books against Stripe's own lists. What is missing here is applied by the same functions as ever; what differs is
kept for a person. Safe to run at any time, several at once.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from credits.errors import Contradiction, LedgerBroken, PurchaseUnknown, StripeRefused, StripeUnavailable
from credits.models import Purchase, Reversal, StripeReconciliation
from credits.stripe import client, disputes, events, handling, refunds
from opscenter.core import audit

log = logging.getLogger(__name__)
DAYS = 35
"""Longer than a refund takes to fail."""
_SESSION_LIFE = timedelta(hours=25)
_MARGIN = timedelta(minutes=15)
_PAGE = 100


def reconcile(*, days: int = DAYS) -> StripeReconciliation:
    """Compare what happened in the last `days`, and disputes that are open longer. `error` says where it had to stop.

    Raises PurchasesOff.
    """
    client.require()
    row = StripeReconciliation.objects.create(days=days, livemode=settings.STRIPE_LIVEMODE)
    try:
        _Comparison(row, timezone.now() - timedelta(days=days)).make()
        row.finished_at = timezone.now()
    except (StripeRefused, StripeUnavailable) as error:
        row.error = error.message
    _keep(row)
    return row


def _keep(row: StripeReconciliation) -> None:
    row.differences = row.differences[: row.MOST_DIFFERENCES]
    with audit.writing():
        row.save()
        if row.applied or row.differences:
            audit.record(
                action="reconcile",
                entity_type=row._meta.db_table,
                entity_id=row.pk,
                before={},
                after={"applied": len(row.applied), "differences": len(row.differences)},
            )
    for difference in row.differences[:100]:
        log.error("Stripe and the books differ: %s", difference)
    if row.error:
        log.error("Stripe was not reconciled: %s", row.error)


class _Comparison:
    """One run; it fills the row's lists."""

    def __init__(self, row: StripeReconciliation, since: datetime) -> None:
        self._row = row
        self._since = since
        self._seen: set[str] = set()

    def make(self) -> None:
        created: Any = {"created": {"gte": int(self._since.timestamp())}, "limit": _PAGE}
        with client.connected() as stripe:
            for session in stripe.v1.checkout.sessions.list(params=created).auto_paging_iter():
                self._session(client.plain(session))
            for refund in stripe.v1.refunds.list(params=created).auto_paging_iter():
                self._row.refunds += self._reversal(client.plain(refund), refunds.apply)
            for dispute in stripe.v1.disputes.list(params=created).auto_paging_iter():
                self._row.disputes += self._reversal(client.plain(dispute), disputes.apply)
            for id in self._open_disputes():
                self._row.disputes += self._reversal(client.plain(stripe.v1.disputes.retrieve(id)), disputes.apply)
        self._expire()
        self._unknown_to_stripe()

    def _session(self, session: dict[str, Any]) -> None:
        self._seen.add(session["id"])
        if not handling.is_sold_here(session):
            return
        self._row.sessions += 1
        try:
            if events.settle(session):
                self._row.applied.append(f"session {session['id']}: credits granted")
        except (PurchaseUnknown, Contradiction, LedgerBroken) as error:
            # One that nobody paid is nobody's loss.
            if session.get("payment_status") == "paid":
                self._row.differences.append(f"session {session['id']}: {error.message}")

    def _reversal(self, thing: dict[str, Any], apply: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether it is about something that was sold here."""
        self._seen.add(thing["id"])
        try:
            with audit.writing():
                if apply(thing):
                    self._row.applied.append(f"{thing['object']} {thing['id']}: credits moved")
        except PurchaseUnknown:
            return False
        except (Contradiction, LedgerBroken) as error:
            self._row.differences.append(f"{thing['object']} {thing['id']}: {error.message}")
        return True

    def _open_disputes(self) -> list[str]:
        taken = Reversal.objects.filter(kind=Reversal.Kind.DISPUTE, state=Reversal.State.TAKEN)
        known = taken.filter(purchase__livemode=settings.STRIPE_LIVEMODE).values_list("stripe_id", flat=True)
        return [id for id in known if id and id not in self._seen]

    def _expire(self) -> None:
        """Those whose session nobody was told of."""
        forgotten = Purchase.objects.filter(state=Purchase.State.OPEN, session_id=None)
        forgotten.filter(created_at__lt=timezone.now() - _SESSION_LIFE).update(state=Purchase.State.EXPIRED)

    def _unknown_to_stripe(self) -> None:
        """What we took for paid, or paid back, and Stripe does not list."""
        ours = {"livemode": settings.STRIPE_LIVEMODE, "created_at__gt": self._since + _MARGIN}
        paid = Purchase.objects.filter(state=Purchase.State.PAID, **ours)
        for purchase in paid.exclude(session_id=None).iterator():
            if purchase.session_id not in self._seen:
                self._row.differences.append(f"purchase {purchase.pk}: Stripe has no session {purchase.session_id}")
        taken = Reversal.objects.filter(state=Reversal.State.TAKEN, created_at__gt=self._since + _MARGIN)
        for reversal in taken.filter(purchase__livemode=settings.STRIPE_LIVEMODE).iterator():
            if reversal.stripe_id not in self._seen:
                self._row.differences.append(f"{reversal.kind} of {reversal.purchase_id}: Stripe has no {reversal}")
