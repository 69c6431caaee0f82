"""What the books should say, kept in plain Python the simplest way there is: numbers in dictionaries, no database."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal
from uuid import UUID

SYSTEM = ("grants", "revenue", "expense:overrun", "expense:upstream")
NANO_PER_CREDIT = 1_000_000_000
TOKENS_PER_PRICE = 1_000_000
Answer = Literal["moved", "repeated", "taken", "insufficient"]
# In which one of the ledger's guards decides.
REPEATED_KEY = "gifts by a key that had been used"
FROZEN = "reserves refused to a frozen wallet"
SHORT_BY_HOLDS = "reserves refused for what other holds keep"
BUDGET_SHORT_BY_HOLDS = "reserves refused for what other holds keep of a budget"
SPARED = "holds that a sweep left to their living workers"
ENDED_AGAIN = "ends of holds that had ended"
BACK = "late settles after a sweep that gave something back"
SETTLED_LATE_AGAIN = "late settles that were repeated"
SITUATIONS = (
    *(REPEATED_KEY, FROZEN, SHORT_BY_HOLDS, BUDGET_SHORT_BY_HOLDS),
    *(SPARED, ENDED_AGAIN, BACK, SETTLED_LATE_AGAIN),
)


def cost_of(tokens: int, price_usd_per_mtok: int, markup_percent: int, credits_per_usd: int) -> int:
    """Nanocredits, rounded up once."""
    exact = Fraction(tokens * price_usd_per_mtok * (100 + markup_percent) * credits_per_usd * NANO_PER_CREDIT)
    return -int(-exact // (TOKENS_PER_PRICE * 100))


@dataclass
class OracleHold:
    wallet: int
    amount: int
    budgets: tuple[str, ...] = ()
    price: int = 0
    state: str = "HELD"
    paid: int = 0
    swept: bool = False
    settled_late: bool = False
    expensed: bool = False
    checkpoint: tuple[int, int] = (0, 0)
    stale: bool = False


@dataclass
class Oracle:
    """Two wallets. Each method is one move that has been accepted."""

    posted: list[int] = field(default_factory=lambda: [0, 0])
    held: list[int] = field(default_factory=lambda: [0, 0])
    frozen: list[bool] = field(default_factory=lambda: [False, False])
    system: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SYSTEM, 0))
    holds: dict[UUID, OracleHold] = field(default_factory=dict)
    given: dict[str, tuple[int, int]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    price: int = 1

    def available(self, wallet: int) -> int:
        return self.posted[wallet] - self.held[wallet]

    def budget(self, window: str) -> tuple[int, int]:
        """(spent, held), by going through all holds."""
        counted = [hold for hold in self.holds.values() if window in hold.budgets]
        return sum(hold.paid for hold in counted), sum(hold.amount for hold in counted if hold.state == "HELD")

    def answer(self, wallet: int, amount: int, key: str) -> Answer:
        """What giving or (negative) taking back is answered with: by its key first, then by what is available."""
        if key in self.given:
            self.met[REPEATED_KEY] += 1
            return "repeated" if self.given[key] == (wallet, amount) else "taken"
        return "moved" if self.available(wallet) + amount >= 0 else "insufficient"

    def give(self, wallet: int, amount: int, key: str) -> None:
        self.given[key] = (wallet, amount)
        self.posted[wallet] += amount
        self.system["grants"] -= amount

    def reserve(self, hold_id: UUID, hold: OracleHold) -> None:
        self.held[hold.wallet] += hold.amount
        self.holds[hold_id] = hold

    def beat(self, hold: OracleHold, tokens: int, cost: int) -> None:
        if hold.state == "HELD":
            hold.checkpoint = (max(hold.checkpoint[0], tokens), max(hold.checkpoint[1], cost))
            hold.stale = False

    def sweep(self, swept: Set[UUID]) -> None:
        """Each that nobody beats any more, and no other."""
        for hold_id, hold in self.holds.items():
            is_open = hold.state == "HELD"
            assert (hold_id in swept) == (is_open and hold.stale)
            self.met[SPARED] += is_open and not hold.stale
            if hold_id in swept:
                delivered, cost = hold.checkpoint
                self._end(hold, "CAPTURED" if delivered else "VOIDED", min(cost, hold.amount) if delivered else 0)
                hold.swept = True

    def capture(self, hold: OracleHold, cost: int) -> bool:
        """Whether it ended the hold."""
        if hold.state == "HELD":
            self._end(hold, "CAPTURED", cost)
            return True
        self._late(hold, cost)
        return False

    def void(self, hold: OracleHold, expense: int) -> bool:
        if hold.state == "HELD":
            self._end(hold, "VOIDED", 0)
            self._expense(hold, expense)
            return True
        if hold.swept and not hold.settled_late and not hold.expensed:
            self._expense(hold, expense)
        self._late(hold, 0)
        return False

    def _end(self, hold: OracleHold, state: str, cost: int) -> None:
        hold.state, hold.paid = state, min(cost, hold.amount)
        self.held[hold.wallet] -= hold.amount
        self.posted[hold.wallet] -= hold.paid
        self.system["revenue"] += cost
        self.system["expense:overrun"] -= cost - hold.paid

    def _late(self, hold: OracleHold, cost: int) -> None:
        """The worker was alive after all: less comes back, more is the operator's; an equal cost leaves no trace."""
        self.met[ENDED_AGAIN] += 1
        self.met[SETTLED_LATE_AGAIN] += hold.settled_late
        if not hold.swept or hold.settled_late:
            return
        hold.settled_late = cost != hold.paid
        self.met[BACK] += cost < hold.paid
        self.system["revenue"] += cost - hold.paid
        self.posted[hold.wallet] += max(hold.paid - cost, 0)
        self.system["expense:overrun"] -= max(cost - hold.paid, 0)
        hold.paid = min(cost, hold.paid)

    def _expense(self, hold: OracleHold, expense: int) -> None:
        hold.expensed |= expense > 0
        self.system["expense:upstream"] -= expense
        self.system["revenue"] += expense
