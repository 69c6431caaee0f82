"""Short words for moves, and for looking at what came of them."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Closed, Facts, Held, Outcome, Post, Posted, Refused, Reserve, Void
from credits.models import Account, Entry, Hold, Journal, Lot
from opscenter.core.db import own_connection
from opscenter.core.ids import uuid7

DAY = 86_400


def a_reserve(account: Account, amount: int, *, minimum: int | None = None, **more: Any) -> Reserve:
    least = amount if minimum is None else minimum
    return Reserve(uuid7(), account.pk, 7, amount, least, **more)


def reserve(account: Account, amount: int, *, minimum: int | None = None, **more: Any) -> Held | Refused:
    (outcome,) = book.apply([a_reserve(account, amount, minimum=minimum, **more)])
    assert isinstance(outcome, Held | Refused)
    return outcome


def held(account: Account, amount: int, **more: Any) -> UUID:
    outcome = reserve(account, amount, **more)
    assert isinstance(outcome, Held)
    return outcome.hold_id


def a_capture(hold_id: UUID, cost: int, *, epoch: int = 1, basis: str = "provider") -> Capture:
    account_id = Hold.objects.get(pk=hold_id).account_id
    return Capture(hold_id, account_id, epoch, cost, basis, Facts("m1", "local", 30))


def capture(hold_id: UUID, cost: int, **more: Any) -> Closed:
    return _closed(book.apply([a_capture(hold_id, cost, **more)]))


def void(hold_id: UUID, *, epoch: int = 1, upstream_expense: int = 0) -> Closed:
    account_id = Hold.objects.get(pk=hold_id).account_id
    return _closed(book.apply([Void(hold_id, account_id, epoch, "upstream_fault", upstream_expense)]))


def deliver(hold_id: UUID, tokens: int, cost: int) -> None:
    book.beat([Beat(hold_id, tokens, cost, timezone.now())])


def forget(hold_id: UUID, *, seconds: float = 61) -> None:
    """Let the hold look as if its worker had died so long ago."""
    Hold.objects.filter(pk=hold_id).update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))


def a_post(account: Account, amount: int, *, lasts_s: float | None = None, **more: Any) -> Post:
    """A grant, or what `more` says; `lasts_s` from now on."""
    values = {"against": "grants", "kind": Journal.Kind.GRANT.value, "key": f"manual:{uuid7()}", "reason": "for a test"}
    expires_at = timezone.now() + timedelta(seconds=lasts_s) if lasts_s else None
    return Post(account_id=account.pk, amount=amount, actor="", expires_at=expires_at, **{**values, **more})


def post(account: Account, amount: int, **more: Any) -> Posted:
    (outcome,) = book.apply([a_post(account, amount, **more)])
    assert isinstance(outcome, Posted), outcome
    return outcome


def claw_back(account: Account, amount: int) -> Posted:
    """What isn't available is owed."""
    return post(account, -amount, owed=True)


def pass_time(seconds: float) -> None:
    """Move what lots and holds remember of the time into the past."""
    past = timedelta(seconds=seconds)
    Lot.objects.update(expires_at=F("expires_at") - past)
    Account.objects.filter(next_expiry_at__isnull=False).update(next_expiry_at=F("next_expiry_at") - past)
    Hold.objects.update(created_at=F("created_at") - past)


def lots(account: Account) -> list[int]:
    """What remains in each, the first to expire first."""
    return list(Lot.objects.filter(account=account).order_by("expires_at", "id").values_list("remaining", flat=True))


def system_sum(code: str) -> int:
    total = Entry.objects.filter(account__code=code).aggregate(total=Sum("amount"))["total"]
    return int(total or 0)


def balance(account: Account) -> tuple[int, int]:
    """(posted, held) as they are stored."""
    account.refresh_from_db()
    return account.posted, account.held


def in_threads(work: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each on a thread and a connection of its own; raise what any raised."""
    results: list[Any] = [None] * len(work)
    errors: list[BaseException] = []

    def run(n: int) -> None:
        own_connection()
        try:
            results[n] = work[n]()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def wins(outcomes: Iterable[Outcome]) -> int:
    return sum(isinstance(outcome, Closed) and outcome.won for outcome in outcomes)


def _closed(outcomes: list[Outcome]) -> Closed:
    (outcome,) = outcomes
    assert isinstance(outcome, Closed)
    return outcome
