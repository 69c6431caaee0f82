"""Credits given and corrected by hand: a journal and an audit entry in one transaction."""

from typing import NamedTuple
from uuid import uuid4

from django.db import transaction
from django.db.models import Sum

from credits import amounts
from credits.errors import AmountInvalid, InsufficientCredits, LedgerBroken, WalletMissing
from credits.ledger import book
from credits.ledger.moves import Broken, Expire, Outcome, Post, Posted, Refused
from credits.models import Account, Journal
from opscenter.core import audit
from opscenter.core.errors import Conflict

GRANTS = "grants"


class Foreseen(NamedTuple):
    """A wallet's nanocredits before and after an adjustment, if it were made now. What has expired was gone before."""

    balance: tuple[int, int]
    available: tuple[int, int]
    debt: tuple[int, int]


def grant(*, account: Account, amount_nano: int, reason: str, key: str) -> Journal:
    """Give credits, once per `key`: a repetition returns the journal that stands. Raises AmountInvalid, and Conflict
    where the key stands for another amount or wallet.
    """
    if amount_nano <= 0:
        raise AmountInvalid("A grant gives more than nothing.", param="amount")
    return _post(account, amount_nano, kind=Journal.Kind.GRANT, key=key, reason=reason)


def adjust(*, account: Account, amount_nano: int, reason: str, key: str | None = None) -> Journal:
    """Give or (negative) take back by hand, once per `key`. Raises InsufficientCredits, AmountInvalid, and Conflict
    where the key stands for another amount or wallet.
    """
    _check_adjustment(amount_nano, reason)
    return _post(account, amount_nano, kind=Journal.Kind.MANUAL, key=key or f"manual:{uuid4()}", reason=reason)


def foresee(*, account: Account, amount_nano: int, reason: str, key: str) -> Foreseen:
    """What adjust() would do now: it is done and undone, so the wallet is locked as by adjust(). Raises what adjust()
    raises, and Conflict where `key` stands.
    """
    _check_adjustment(amount_nano, reason)
    with transaction.atomic():
        book.apply([Expire(account.pk)])
        before = Account.objects.get(pk=account.pk)
        (outcome,) = book.apply([_move(account, amount_nano, kind=Journal.Kind.MANUAL, key=key, reason=reason)])
        after = Account.objects.get(pk=account.pk)
        transaction.set_rollback(True)
    _refuse(outcome)
    if outcome == Posted(made=False):
        raise Conflict("This adjustment was made already, and isn't made twice. Open the form anew for another.")
    return Foreseen((before.posted, after.posted), (before.available, after.available), (before.debt, after.debt))


def _check_adjustment(amount_nano: int, reason: str) -> None:
    if amount_nano == 0 or not reason.strip():
        raise AmountInvalid("An adjustment has an amount and a reason.", param="amount")


def _post(account: Account, amount_nano: int, *, kind: str, key: str, reason: str) -> Journal:
    with audit.writing():
        (outcome,) = book.apply([_move(account, amount_nano, kind=kind, key=key, reason=reason)])
        _refuse(outcome)
        journal = Journal.objects.get(idempotency_key=key)
        if isinstance(outcome, Posted) and outcome.made:
            _audit(account, outcome, journal)
        elif not _is_of(journal, account, amount_nano):
            raise Conflict("This was submitted before with another amount: nothing was moved. Open the form anew.")
    return journal


def _move(account: Account, amount_nano: int, *, kind: str, key: str, reason: str) -> Post:
    return Post(
        account_id=account.pk,
        against=GRANTS,
        amount=amount_nano,
        kind=kind,
        key=key,
        reason=reason,
        actor=audit.current_actor().name,
    )


def _is_of(journal: Journal, account: Account, amount_nano: int) -> bool:
    """Whether it moved `amount_nano`, into the wallet or towards its debt."""
    mine = journal.entries.filter(account__code__in=[account.code, f"debt:{account.user_id}"])
    return bool(mine.aggregate(total=Sum("amount"))["total"] == amount_nano)


def _refuse(outcome: Outcome) -> None:
    if isinstance(outcome, Broken):
        raise LedgerBroken("The ledger refused this.") from outcome.error
    if isinstance(outcome, Refused) and outcome.reason == "no_account":
        raise WalletMissing("There is no such wallet.")
    if isinstance(outcome, Refused):
        raise _short(outcome.available)


def _short(available_nano: int) -> InsufficientCredits:
    available = amounts.to_text(available_nano)
    return InsufficientCredits(f"Only {available} credits are available.", details={"available": available})


def _audit(account: Account, posted: Posted, journal: Journal) -> None:
    account.refresh_from_db()
    before = {"balance": account.posted - posted.wallet_change}
    after = {"balance": account.posted}
    if posted.debt_change:
        before["debt"], after["debt"] = account.debt - posted.debt_change, account.debt
    audit.record(
        action=journal.kind,
        entity_type=Account._meta.db_table,
        entity_id=account.pk,
        before=_in_credits(before),
        after={**_in_credits(after), "key": journal.idempotency_key, "reason": journal.reason},
    )


def _in_credits(nano: dict[str, int]) -> dict[str, str]:
    return {name: amounts.to_text(amount) for name, amount in nano.items()}
