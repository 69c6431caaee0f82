"""All moves in any order against an oracle in plain Python."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from credits import checker
from credits.errors import InsufficientCredits
from credits.ledger.moves import BudgetCap, Held, Refused
from credits.models import Account, Budget
from credits.services import grants, sweep, wallets
from opscenter.core.ids import uuid7
from opscenter.core.models import User
from tests.credits.ledger import balance, capture, deliver, forget, reserve, system_sum, void

AMOUNTS = st.integers(min_value=0, max_value=1000)
SYSTEM = ("grants", "revenue", "expense:overrun", "expense:upstream")


@dataclass
class OracleHold:
    wallet: int
    amount: int
    is_budgeted: bool = False
    state: str = "HELD"
    paid: int = 0
    swept: bool = False
    settled: bool = False
    checkpoint: tuple[int, int] = (0, 0)
    stale: bool = False


@dataclass
class Oracle:
    """What the books should say, kept the simplest way there is."""

    posted: list[int] = field(default_factory=lambda: [0, 0])
    held: list[int] = field(default_factory=lambda: [0, 0])
    frozen: list[bool] = field(default_factory=lambda: [False, False])
    system: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SYSTEM, 0))
    holds: dict[UUID, OracleHold] = field(default_factory=dict)

    def budget(self) -> tuple[int, int]:
        """(spent, held) of the one budget, by going through all holds."""
        counted = [hold for hold in self.holds.values() if hold.is_budgeted]
        return sum(hold.paid for hold in counted), sum(hold.amount for hold in counted if hold.state == "HELD")

    def end(self, hold: OracleHold, state: str, cost: int) -> None:
        hold.state, hold.paid = state, min(cost, hold.amount)
        self.held[hold.wallet] -= hold.amount
        self.posted[hold.wallet] -= hold.paid
        self.system["revenue"] += cost
        self.system["expense:overrun"] -= cost - hold.paid

    def settle_late(self, hold: OracleHold, cost: int) -> None:
        hold.settled = True
        self.system["revenue"] += cost - hold.paid
        self.posted[hold.wallet] += max(hold.paid - cost, 0)
        self.system["expense:overrun"] -= max(cost - hold.paid, 0)
        # Equal costs leave no journal, so that a later settle still counts.
        hold.settled = cost != hold.paid
        hold.paid = min(cost, hold.paid)


class LedgerMachine(RuleBasedStateMachine):
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        users = [User.objects.create_user(f"u{uuid7().hex}") for _ in range(2)]
        self.wallets: list[Account] = [wallets.wallet_of(user) for user in users]
        self.before = {code: system_sum(code) for code in SYSTEM}
        self.oracle = Oracle()

    @rule(wallet=st.integers(0, 1), amount=st.integers(1, 3000))
    def give(self, wallet: int, amount: int) -> None:
        key = f"manual:{uuid7()}"
        for _ in range(2):
            grants.grant(account=self.wallets[wallet], amount_nano=amount, reason="machine", key=key)
        self.oracle.posted[wallet] += amount
        self.oracle.system["grants"] -= amount

    @rule(wallet=st.integers(0, 1), amount=st.integers(1, 3000))
    def take(self, wallet: int, amount: int) -> None:
        fits = amount <= self.oracle.posted[wallet] - self.oracle.held[wallet]
        try:
            grants.adjust(account=self.wallets[wallet], amount_nano=-amount, reason="machine")
        except InsufficientCredits:
            assert not fits
            return
        assert fits
        self.oracle.posted[wallet] -= amount
        self.oracle.system["grants"] += amount

    @rule(wallet=st.integers(0, 1), frozen=st.booleans())
    def freeze(self, wallet: int, frozen: bool) -> None:
        (wallets.freeze if frozen else wallets.unfreeze)(account=self.wallets[wallet])
        self.oracle.frozen[wallet] = frozen

    @rule(target=holds, wallet=st.integers(0, 1), amount=AMOUNTS, minimum=AMOUNTS, cap_nano=st.none() | AMOUNTS)
    def reserve(self, wallet: int, amount: int, minimum: int, cap_nano: int | None) -> UUID | None:
        available = self.oracle.posted[wallet] - self.oracle.held[wallet]
        least = min(minimum, amount)
        cap = None if cap_nano is None else self.cap(cap_nano)
        left = available if cap is None else max(0, cap.cap_nano - sum(self.oracle.budget()))
        outcome = reserve(self.wallets[wallet], amount, minimum=least, budgets=(cap,) if cap else ())
        if self.oracle.frozen[wallet]:
            assert outcome == Refused("frozen", available)
        elif min(amount, available, left) < least:
            assert outcome == (Refused("budget", left, cap) if left < available else Refused("insufficient", available))
        else:
            assert isinstance(outcome, Held)
            assert outcome.amount == min(amount, available, left)
            self.oracle.held[wallet] += outcome.amount
            self.oracle.holds[outcome.hold_id] = OracleHold(wallet, outcome.amount, cap is not None)
            return outcome.hold_id
        return None

    def cap(self, cap_nano: int) -> BudgetCap:
        """One budget for both wallets."""
        return BudgetCap("machine", self.wallets[0].pk, "2026-11", cap_nano)

    @rule(hold_id=holds, tokens=st.integers(0, 50), cost=st.integers(0, 1500))
    def beat(self, hold_id: UUID | None, tokens: int, cost: int) -> None:
        if hold_id is not None:
            deliver(hold_id, tokens, cost)
            hold = self.oracle.holds[hold_id]
            if hold.state == "HELD":
                hold.checkpoint = (max(hold.checkpoint[0], tokens), max(hold.checkpoint[1], cost))
                hold.stale = False

    @rule(hold_id=holds)
    def lose_worker(self, hold_id: UUID | None) -> None:
        if hold_id is not None:
            forget(hold_id)
            self.oracle.holds[hold_id].stale = True

    @rule()
    def sweep(self) -> None:
        swept = {hold.pk for hold in sweep.sweep()}
        for hold_id, hold in self.oracle.holds.items():
            assert (hold_id in swept) == (hold.state == "HELD" and hold.stale)
            if hold_id in swept:
                delivered, cost = hold.checkpoint
                charge = min(cost, hold.amount) if delivered else 0
                self.oracle.end(hold, "CAPTURED" if delivered else "VOIDED", charge)
                hold.swept = True

    @rule(hold_id=holds, cost=st.integers(0, 1500))
    def capture(self, hold_id: UUID | None, cost: int) -> None:
        if hold_id is None:
            return
        hold = self.oracle.holds[hold_id]
        was_open = hold.state == "HELD"
        outcome = capture(hold_id, cost)
        if was_open:
            self.oracle.end(hold, "CAPTURED", cost)
        elif hold.swept and not hold.settled:
            self.oracle.settle_late(hold, cost)
        assert (outcome.won, outcome.captured) == (was_open, hold.paid)

    @rule(hold_id=holds, expense=st.integers(0, 100))
    def void(self, hold_id: UUID | None, expense: int) -> None:
        if hold_id is None:
            return
        hold = self.oracle.holds[hold_id]
        was_open = hold.state == "HELD"
        outcome = void(hold_id, upstream_expense=expense if was_open else 0)
        if was_open:
            self.oracle.end(hold, "VOIDED", 0)
            self.oracle.system["expense:upstream"] -= expense
            self.oracle.system["revenue"] += expense
        elif hold.swept and not hold.settled:
            self.oracle.settle_late(hold, 0)
        assert (outcome.won, outcome.captured) == (was_open, hold.paid)

    @invariant()
    def books_agree(self) -> None:
        for n, wallet in enumerate(self.wallets):
            assert balance(wallet) == (self.oracle.posted[n], self.oracle.held[n])
        assert {code: system_sum(code) - self.before[code] for code in SYSTEM} == self.oracle.system
        budget = Budget.objects.filter(scope="machine", scope_id=self.wallets[0].pk).first() or Budget()
        assert (budget.spent, budget.held) == self.oracle.budget()

    def teardown(self) -> None:
        assert checker.check() == []
        for hold_id, hold in self.oracle.holds.items():
            if hold.state == "HELD":
                void(hold_id)


@pytest.mark.django_db
def test_any_order_of_moves_agrees_with_the_oracle() -> None:
    quick: Any = settings(
        max_examples=30,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    run_state_machine_as_test(LedgerMachine, settings=quick)
