"""The only writer of wallets, journals and holds: many moves, one transaction, set-based.

Locks the batch's wallets in the order of their ids and the budgets in the order of theirs, ends holds, has expire what
has expired, pays debts, posts, then reserves from what is left. The writer calls it for requests, services for
everything else.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from credits.amounts import LARGEST
from credits.ledger import sql, wallets
from credits.ledger.budgets import Budgets
from credits.ledger.closing import Closing
from credits.ledger.moves import (
    Beat,
    Broken,
    Capture,
    Expire,
    Expired,
    Held,
    Move,
    Outcome,
    Post,
    Posted,
    Refused,
    Reserve,
    Sweep,
    Void,
)
from credits.ledger.postings import Postings
from credits.ledger.wallets import Wallet
from credits.models.hold import Hold
from opscenter.core.pipeline import pipelined_transaction

_REFUSALS = (IntegrityError, DataError, ValueError, TypeError)


def apply(moves: Sequence[Move]) -> list[Outcome]:
    """Commit `moves` together and return an outcome for each.

    A move that the database refuses is Broken; its neighbours are tried again without it. Where the database
    is away it raises OperationalError or InterfaceError: closes may be repeated, reserves count as not made.
    """
    if not moves:
        return []
    try:
        with pipelined_transaction():
            return _apply(moves)
    except _REFUSALS as error:
        if len(moves) == 1:
            return [Broken(error)]
    middle = len(moves) // 2
    return apply(moves[:middle]) + apply(moves[middle:])


def beat(beats: Iterable[Beat]) -> None:
    """Say that these calls are alive. A transaction of its own that locks no wallet."""
    rows = [
        (beat.hold_id.hex, _kept(beat.delivered_tokens), _kept(beat.checkpoint_amount), _moment(beat)) for beat in beats
    ]
    with transaction.atomic():
        sql.ask(sql.BEAT_HOLDS, sorted(rows, key=lambda row: row[0]))


def _apply(moves: Sequence[Move]) -> list[Outcome]:
    closes = {n: move for n, move in enumerate(moves) if isinstance(move, Capture | Void | Sweep)}
    posts = {n: move for n, move in enumerate(moves) if isinstance(move, Post)}
    reserves = {n: move for n, move in enumerate(moves) if isinstance(move, Reserve)}
    locked: dict[int, Wallet] = {}
    locking = sql.ask(sql.LOCK_WALLETS, {move.account_id for move in moves})
    postings, budgets = Postings(), Budgets(reserves.values(), closes.values())
    closing = Closing(closes, locked, postings, budgets)
    locked.update(wallets.read(locking.fetchall(), moves))
    budgets.read()
    outcomes = closing.end()
    expired = _tidy(locked, postings)
    outcomes.update(_expired(locked, expired, moves))
    outcomes.update(_post(locked, postings, posts))
    holds: list[tuple[Any, ...]] = []
    for n, move in reserves.items():
        outcomes[n] = _reserve(locked.get(move.account_id), budgets, move, holds)
    postings.write()
    _write(locked, holds)
    budgets.write()
    return [outcomes[n] for n in range(len(moves))]


def _tidy(locked: dict[int, Wallet], postings: Postings) -> dict[int, int]:
    """Before anything else happens to a wallet what has expired leaves it, and what it has then pays its debt."""
    expired = {wallet.id: postings.expire(wallet) for wallet in locked.values() if wallet.lots}
    for wallet in locked.values():
        if wallet.debt:
            postings.pay_debt(wallet)
    return expired


def _expired(locked: dict[int, Wallet], expired: dict[int, int], moves: Sequence[Move]) -> dict[int, Outcome]:
    expiries = {n: move.account_id for n, move in enumerate(moves) if isinstance(move, Expire)}
    return {n: Expired(expired.get(id, 0)) if id in locked else Refused("no_account") for n, id in expiries.items()}


def _reserve(wallet: Wallet | None, budgets: Budgets, move: Reserve, holds: list[tuple[Any, ...]]) -> Held | Refused:
    if wallet is None:
        return Refused("no_account")
    if wallet.debt or (wallet.frozen and not move.although_frozen):
        return Refused("frozen", wallet.available)
    left, tightest = budgets.left(move)
    amount = min(move.amount, wallet.available, left)
    if amount < move.minimum:
        if left >= wallet.available:
            return Refused("insufficient", wallet.available)
        budgets.refuse(move, tightest)
        return Refused("budget", left, tightest)
    wallet.hold(amount)
    counted = budgets.hold(move, amount)
    holds.append((move.hold_id.hex, wallet.id, move.virtual_key_id, amount, move.mode, move.rates_json))
    return Held(move.hold_id, amount, Hold.FIRST_EPOCH, counted)


def _post(locked: dict[int, Wallet], postings: Postings, posts: dict[int, Post]) -> dict[int, Outcome]:
    used = {key for (key,) in sql.fetch(sql.READ_JOURNALS, [move.key for move in posts.values()])} if posts else set()
    outcomes: dict[int, Outcome] = {}
    for n, move in posts.items():
        wallet = locked.get(move.account_id)
        if move.key in used:
            outcomes[n] = Posted(made=False)
        elif wallet is None:
            outcomes[n] = Refused("no_account")
        elif refusal := _refusal(wallet, move):
            outcomes[n] = refusal
        else:
            used.add(move.key)
            outcomes[n] = postings.post(wallet, move)
    return outcomes


def _refusal(wallet: Wallet, move: Post) -> Refused | None:
    if move.amount == 0 or (move.expires_at and move.amount < 0):
        raise ValueError(f"{move} moves nothing, or takes back what expires")
    # SQLite would keep the sum as a float, which is no longer exact.
    if wallet.posted + move.amount > LARGEST or wallet.debt - move.amount > LARGEST:
        raise ValueError(f"{move} is more than a wallet can count")
    if move.expires_at and move.expires_at <= timezone.now():
        return Refused("expired", wallet.available)
    if not move.owed and wallet.available + move.amount < 0:
        return Refused("insufficient", wallet.available)
    return None


def _write(locked: dict[int, Wallet], holds: list[tuple[Any, ...]]) -> None:
    changes = [wallet.changes for wallet in locked.values() if wallet.is_changed]
    if changes:
        sql.ask(sql.UPDATE_WALLETS, changes)
    if holds:
        sql.ask(sql.INSERT_HOLDS, holds)


def _kept(count: int) -> int:
    """SQLite would keep what is too large for an integer as a float."""
    return min(max(count, 0), LARGEST)


def _moment(beat: Beat) -> str | None:
    return beat.dispatched_at.isoformat() if beat.dispatched_at else None
