"""What the books should say, kept in plain Python the simplest way there is: numbers in dictionaries, no database."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal
from uuid import UUID

from tests.proofs.oracle_wallet import OracleWallet, Parts, Pile, shrink

SYSTEM = ("grants", "purchases", "refunds", "revenue", "expired", "expense:overrun", "expense:upstream")
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
MIXED = "charges that several lots paid, or lots and what never expires"
BACK_TO_LOTS = "late settles that gave something back to a lot"
EXPIRED = "times that something expired"
KEPT = "times that calls in flight kept something from expiring"
OWED = "times that more was taken back than was there"
INDEBTED = "reserves refused for a debt"
PAID_BY_CALLS = "debts paid by what calls didn't use"
PAID_BY_CREDITS = "debts paid by what came in"
ALL_BACK = "purchases of which more went back than was paid"
SITUATIONS = (
    *(REPEATED_KEY, FROZEN, SHORT_BY_HOLDS, BUDGET_SHORT_BY_HOLDS),
    *(SPARED, ENDED_AGAIN, BACK, SETTLED_LATE_AGAIN),
    *(MIXED, BACK_TO_LOTS, EXPIRED, KEPT, OWED, INDEBTED, PAID_BY_CALLS, PAID_BY_CREDITS, ALL_BACK),
)


def cost_of(tokens: int, price_usd_per_mtok: int, markup_percent: int, credits_per_usd: int) -> int:
    """Nanocredits, rounded up once."""
    exact = Fraction(tokens * price_usd_per_mtok * (100 + markup_percent) * credits_per_usd * NANO_PER_CREDIT)
    return -int(-exact // (TOKENS_PER_PRICE * 100))


@dataclass
class OracleHold:
    """`born`: at which hour; `parts`: which piles paid it."""

    wallet: int
    amount: int
    born: float
    budgets: tuple[str, ...] = ()
    price: int = 0
    state: str = "HELD"
    paid: int = 0
    swept: bool = False
    settled_late: bool = False
    expensed: bool = False
    checkpoint: tuple[int, int] = (0, 0)
    stale: bool = False
    parts: Parts = field(default_factory=list)


@dataclass
class OraclePurchase:
    """`back`: how much of the price went back, in cents, and didn't return."""

    wallet: int
    credits: int
    price: int
    back: int = 0
    taken: int = 0


@dataclass
class Oracle:
    """Two wallets. Each method is one move that has been accepted."""

    wallets: list[OracleWallet] = field(default_factory=lambda: [OracleWallet(), OracleWallet()])
    clock: float = 0
    system: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SYSTEM, 0))
    holds: dict[UUID, OracleHold] = field(default_factory=dict)
    given: dict[str, tuple[int, int]] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)
    price: int = 1

    def available(self, wallet: int) -> int:
        return self.wallets[wallet].available

    def tidy(self, *wallets: int) -> None:
        """What every batch does first to the wallets that it locks, once its holds have ended."""
        for number in set(wallets):
            wallet = self.wallets[number]
            expired, kept = wallet.expire(self.clock, self._open(number))
            self.system["expired"] += expired
            self.met[EXPIRED] += expired > 0
            self.met[KEPT] += kept > 0
            if paid := min(wallet.debt, wallet.available):
                wallet.take(paid, self.clock)
                wallet.debt -= paid
                self.met[PAID_BY_CALLS] += 1

    def _open(self, wallet: int) -> list[tuple[float, int]]:
        holds = [hold for hold in self.holds.values() if hold.wallet == wallet and hold.state == "HELD"]
        return [(hold.born, hold.amount) for hold in holds]

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
        self.post(wallet, amount, "grants")

    def post(self, wallet: int, amount: int, against: str, expires: float | None = None) -> None:
        """In, and first towards the debt; or (negative) out, and what isn't there is owed."""
        self.system[against] -= amount
        mine = self.wallets[wallet]
        if amount < 0:
            there = min(-amount, mine.available)
            mine.take(there, self.clock)
            mine.debt += -amount - there
            self.met[OWED] += -amount > there
            return
        paid = min(amount, mine.debt)
        mine.debt -= paid
        self.met[PAID_BY_CREDITS] += paid > 0
        if expires is None:
            mine.pool.left += amount - paid
        else:
            mine.lots.append(Pile(expires, amount - paid))

    def buy(self, purchase: OraclePurchase) -> None:
        self.post(purchase.wallet, purchase.credits, "purchases")

    def reverse(self, purchase: OraclePurchase, cents: int) -> None:
        """So much more went back, or (negative) returned."""
        purchase.back += cents
        self.met[ALL_BACK] += purchase.back > purchase.price
        taken = purchase.credits * min(purchase.back, purchase.price) // purchase.price
        if taken != purchase.taken:
            self.post(purchase.wallet, purchase.taken - taken, "refunds")
        purchase.taken = taken

    def reserve(self, hold_id: UUID, hold: OracleHold) -> None:
        self.wallets[hold.wallet].held += hold.amount
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
        wallet = self.wallets[hold.wallet]
        wallet.held -= hold.amount
        hold.parts = wallet.use(hold.paid, hold.born)
        self.met[MIXED] += len(hold.parts) > 1
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
        if cost < hold.paid:
            in_lots = sum(pile.left for pile in self.wallets[hold.wallet].lots)
            hold.parts = shrink(hold.parts, cost)
            self.met[BACK_TO_LOTS] += sum(pile.left for pile in self.wallets[hold.wallet].lots) > in_lots
        self.system["expense:overrun"] -= max(cost - hold.paid, 0)
        hold.paid = min(cost, hold.paid)

    def _expense(self, hold: OracleHold, expense: int) -> None:
        hold.expensed |= expense > 0
        self.system["expense:upstream"] -= expense
        self.system["revenue"] += expense
