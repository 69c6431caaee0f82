"""Credits given and taken back by operators, who are people: each says why, and much of it wants a second one."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.db.models.functions import Abs
from django.utils import timezone

from credits import amounts
from credits.errors import AdjustmentIsClosed, WantsAnother
from credits.models import Account, ManualAdjustment
from credits.services import grants
from opscenter.core import audit
from opscenter.core.errors import Conflict
from opscenter.core.models import User

_State = ManualAdjustment.State
_COUNTED = timedelta(days=1)
_OPEN_FOR = timedelta(days=7)


class Foreseen(NamedTuple):
    """What ask() would do now: a wallet's nanocredits, or a proposal to change them."""

    credits: grants.Foreseen
    wants_another: bool


def ask(*, id: UUID, account: Account, amount_nano: int, reason: str, by: User) -> ManualAdjustment:
    """Adjust the wallet, or propose it where `by` moves more than CREDITS_APPROVAL_LIMIT by hand within a day.

    Once per `id`: a repetition returns what stands, and raises Conflict where that is something else. Raises
    AmountInvalid, InsufficientCredits, WalletMissing.
    """
    with audit.writing():
        if earlier := ManualAdjustment.objects.filter(pk=id).first():
            return _same(earlier, account, amount_nano, reason, by)
        grants.foresee(account=account, amount_nano=amount_nano, reason=reason, key=f"manual:{id}")
        adjustment = ManualAdjustment(
            id=id, account=account, amount=amount_nano, reason=reason, state=_State.MADE, proposed_by=by
        )
        if wants_another(by=by, amount_nano=amount_nano):
            adjustment.state, adjustment.expires_at = _State.PROPOSED, timezone.now() + _OPEN_FOR
        adjustment.save(force_insert=True)
        if adjustment.state == _State.PROPOSED:
            _record(adjustment, "propose")
        else:
            _make(adjustment)
    return adjustment


def foresee(*, id: UUID, account: Account, amount_nano: int, reason: str, by: User) -> Foreseen:
    """Nothing is written. Raises what ask() raises, and Conflict where `id` stands."""
    seen = grants.foresee(account=account, amount_nano=amount_nano, reason=reason, key=f"manual:{id}")
    if ManualAdjustment.objects.filter(pk=id).exists():
        raise Conflict("This was proposed already. Open the form anew for another.")
    return Foreseen(seen, wants_another(by=by, amount_nano=amount_nano))


def wants_another(*, by: User, amount_nano: int) -> bool:
    """Whether this and what `by` has moved without another in the last day exceed the limit, given or taken."""
    if not settings.CREDITS_APPROVAL_LIMIT:
        return False
    since = timezone.now() - _COUNTED
    alone = ManualAdjustment.objects.filter(
        proposed_by=by, created_at__gte=since, state=_State.MADE, decided_by__isnull=True
    )
    moved = alone.aggregate(total=Sum(Abs("amount")))["total"] or 0
    return bool(moved + abs(amount_nano) > amounts.to_nano(settings.CREDITS_APPROVAL_LIMIT))


def approve(*, id: UUID, by: User) -> ManualAdjustment:
    """Make what was proposed; exactly once, however many approve at the same time.

    Raises WantsAnother for whoever proposed it, AdjustmentIsClosed, and what the adjustment itself raises: then it
    is still open.
    """
    with audit.writing():
        adjustment = _decided(id, by, _State.MADE)
        _record(adjustment, "approve")
        _make(adjustment)
    return adjustment


def decline(*, id: UUID, by: User, remark: str = "") -> ManualAdjustment:
    """Nothing is moved, ever. Raises WantsAnother for whoever proposed it, and AdjustmentIsClosed."""
    with audit.writing():
        adjustment = _decided(id, by, _State.DECLINED, remark)
        _record(adjustment, "decline")
    return adjustment


def _decided(id: UUID, by: User, state: str, remark: str = "") -> ManualAdjustment:
    adjustment = ManualAdjustment.objects.select_for_update(of=("self",)).select_related("account").get(pk=id)
    if adjustment.proposed_by_id == by.pk:
        raise WantsAnother()
    if not adjustment.is_waiting:
        raise AdjustmentIsClosed("expired" if adjustment.is_expired else adjustment.state)
    adjustment.state, adjustment.remark = state, remark
    adjustment.decided_by, adjustment.decided_at = by, timezone.now()
    adjustment.save(update_fields=("state", "remark", "decided_by", "decided_at"))
    return adjustment


def _make(adjustment: ManualAdjustment) -> None:
    grants.adjust(
        account=adjustment.account,
        amount_nano=adjustment.amount,
        reason=adjustment.reason,
        key=adjustment.journal_key,
    )


def _same(earlier: ManualAdjustment, account: Account, amount_nano: int, reason: str, by: User) -> ManualAdjustment:
    stands = (earlier.account_id, earlier.amount, earlier.reason, earlier.proposed_by_id)
    if stands != (account.pk, amount_nano, reason, by.pk):
        raise Conflict(
            "This was submitted before with another amount, reason or account: nothing was moved. Begin anew.",
            code="idempotency_key_reused",
        )
    return earlier


def _record(adjustment: ManualAdjustment, action: str) -> None:
    audit.record(
        action=action,
        entity_type=ManualAdjustment._meta.db_table,
        entity_id=adjustment.pk,
        before={},
        after={
            "account": adjustment.account_id,
            "amount": amounts.to_text(adjustment.amount),
            "reason": adjustment.reason,
            "proposed_by": adjustment.proposed_by_id,
            **({"remark": adjustment.remark} if adjustment.remark else {}),
        },
    )
