"""Two wallets, and moves of theirs that are compared with the oracle's answers: what machines are built on."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis.stateful import RuleBasedStateMachine, invariant

from credits import checker
from credits.errors import InsufficientCredits
from credits.ledger import book
from credits.ledger.moves import BudgetCap, Capture, Closed, Held, Move, Outcome, Refused, Reserve, Void
from credits.models import Account, Budget, Entry, Journal, Lot
from credits.services import expiry, wallets
from opscenter.core.errors import Conflict
from opscenter.core.ids import uuid7
from opscenter.core.models import User
from tests.proofs.oracle import (
    BUDGET_SHORT_BY_HOLDS,
    FROZEN,
    INDEBTED,
    SHORT_BY_HOLDS,
    SYSTEM,
    Oracle,
    OracleHold,
)

WINDOWS = ("2026-11", "2026-W47")
REFUSALS = {"taken": Conflict, "insufficient": InsufficientCredits}


class BooksMachine(RuleBasedStateMachine):
    """In a transaction that is rolled back at the end, so that every example begins with the same database."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        users = [User.objects.create_user(f"u{uuid7().hex}") for _ in range(2)]
        self.wallets: list[Account] = [wallets.wallet_of(user) for user in users]
        self.before = system_sums()
        self.oracle = Oracle()
        self.run = uuid7().hex

    # --- moves ---

    def a_key(self, key: str | None) -> str:
        return f"manual:{self.run}:{key or uuid7()}"

    def moved(self, service: Callable[..., Journal], wallet: int, amount: int, key: str) -> None:
        """By hand, where the oracle says so; a repetition moves nothing, and is refused where it asks for more."""
        tidied = deepcopy(self.oracle)
        tidied.tidy(wallet)
        answer = tidied.answer(wallet, amount, key)
        if refusal := REFUSALS.get(answer):
            # It takes back all that its batch had done.
            with pytest.raises(refusal):
                service(account=self.wallets[wallet], amount_nano=amount, reason="machine", key=key)
            return
        self.oracle = tidied
        journal = service(account=self.wallets[wallet], amount_nano=amount, reason="machine", key=key)
        assert journal.idempotency_key == key
        if answer == "moved":
            self.oracle.give(wallet, amount, key)

    def cap(self, window: str, cap_nano: int) -> BudgetCap:
        """A budget that both wallets share."""
        return BudgetCap("machine", self.wallets[0].pk, window, cap_nano)

    def a_reserve(self, wallet: int, amount: int, minimum: int, **more: Any) -> Reserve:
        return Reserve(uuid7(), self.wallets[wallet].pk, 7, amount, minimum, **more)

    def a_capture(self, hold_id: UUID, cost: int) -> Capture:
        return Capture(hold_id, self.wallets[self.oracle.holds[hold_id].wallet].pk, 1, cost, "provider")

    def a_void(self, hold_id: UUID, expense: int) -> Void:
        return Void(hold_id, self.wallets[self.oracle.holds[hold_id].wallet].pk, 1, "upstream_fault", expense)

    def reserved(self, wallet: int, move: Reserve) -> UUID | None:
        self.oracle.tidy(wallet)
        available = self.oracle.available(wallet)
        left = {cap: max(0, cap.cap_nano - sum(self.oracle.budget(cap.window))) for cap in move.budgets}
        least = min([available, *left.values()])
        (outcome,) = book.apply([move])
        mine = self.oracle.wallets[wallet]
        if mine.debt or (mine.frozen and not move.although_frozen):
            assert outcome == Refused("frozen", available)
            self.oracle.met[INDEBTED if mine.debt else FROZEN] += 1
        elif min(move.amount, least) < move.minimum:
            tightest = next((cap for cap, amount in left.items() if amount == least < available), None)
            assert outcome == Refused("budget" if tightest else "insufficient", least, tightest)
            if tightest:
                unspent = tightest.cap_nano - self.oracle.budget(tightest.window)[0]
                self.oracle.met[BUDGET_SHORT_BY_HOLDS] += unspent >= move.minimum
            self.oracle.met[SHORT_BY_HOLDS] += mine.posted >= move.minimum > available
        else:
            assert isinstance(outcome, Held)
            assert outcome.amount == min(move.amount, least)
            windows = tuple(cap.window for cap in move.budgets)
            price = self.oracle.price if "price" in move.rates_json else 0
            self.oracle.reserve(move.hold_id, OracleHold(wallet, outcome.amount, self.oracle.clock, windows, price))
            return move.hold_id
        return None

    def ended(self, closes: Sequence[Capture | Void], *, beside: Move | None = None) -> None:
        """Apply them together; the last close of a hold learns what stands."""
        outcomes = book.apply([*closes, *([beside] if beside else [])])[: len(closes)]
        won: dict[UUID, int] = dict.fromkeys((move.hold_id for move in closes), 0)
        for move, outcome in zip(closes, outcomes, strict=True):
            won[move.hold_id] += isinstance(outcome, Closed) and outcome.won
        for move in {move.hold_id: move for move in reversed(closes)}.values():
            hold = self.oracle.holds[move.hold_id]
            ends = (
                self.oracle.capture(hold, move.cost)
                if isinstance(move, Capture)
                else self.oracle.void(hold, move.upstream_expense)
            )
            assert won[move.hold_id] == ends
        self.oracle.tidy(*(self.oracle.holds[move.hold_id].wallet for move in closes))
        self.learned(closes, outcomes)

    def learned(self, closes: Sequence[Capture | Void], outcomes: list[Outcome]) -> None:
        for move, outcome in zip(closes, outcomes, strict=True):
            assert isinstance(outcome, Closed)
            assert outcome.captured == self.oracle.holds[move.hold_id].paid

    # --- always ---

    @invariant()
    def books_agree(self) -> None:
        for account, wallet in zip(self.wallets, self.oracle.wallets, strict=True):
            account.refresh_from_db(fields=("posted", "held", "debt", "expiring"))
            lots = Lot.objects.filter(account=account, remaining__gt=0).order_by("expires_at", "id")
            assert (account.posted, account.held, account.debt) == (wallet.posted, wallet.held, wallet.debt)
            assert (account.expiring, [lot.remaining for lot in lots]) == (sum(wallet.open_lots), wallet.open_lots)
        sums = system_sums()
        assert {code: sums[code] - self.before[code] for code in SYSTEM} == self.oracle.system
        budgets = Budget.objects.filter(scope="machine", scope_id=self.wallets[0].pk)
        stored = {window: (spent, held) for window, spent, held in budgets.values_list("window", "spent", "held")}
        assert {window: stored.get(window, (0, 0)) for window in WINDOWS} == {
            window: self.oracle.budget(window) for window in WINDOWS
        }

    def teardown(self) -> None:
        try:
            # The worker comes by every minute; where it did not for hours, the checker would say so.
            self.oracle.tidy(0, 1)
            expiry.expire()
            assert checker.check() == []
            connection.check_constraints()
            for hold_id, hold in self.oracle.holds.items():
                if hold.state == "HELD":
                    self.ended([self.a_void(hold_id, 0)])
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)


def system_sums() -> dict[str, int]:
    entries = Entry.objects.filter(account__code__in=SYSTEM)
    sums = dict(entries.values_list("account__code").annotate(total=Sum("amount")))
    return {code: int(sums.get(code, 0)) for code in SYSTEM}
