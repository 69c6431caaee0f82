"""What can happen to money, and what came of it. Amounts are nanocredits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from credits.models.hold import Hold


class Facts(NamedTuple):
    """What an entry remembers about what was bought; opaque to the ledger."""

    model: str = ""
    provider: str = ""
    tokens: int = 0


NO_FACTS = Facts()


class BudgetCap(NamedTuple):
    """What `scope` and `scope_id` may use up in `window`: the budget's row is made, or its cap renewed, by this."""

    scope: str
    scope_id: int
    window: str
    cap_nano: int

    @property
    def key(self) -> tuple[str, int, str]:
        return self.scope, self.scope_id, self.window


@dataclass(frozen=True, slots=True)
class Reserve:
    """Hold `amount`, or what wallet and `budgets` have left where that is less but at least `minimum`.

    `although_frozen` is for refunds of ours; wallets with a debt have nothing to hold.
    """

    hold_id: UUID
    account_id: int
    virtual_key_id: int | None
    amount: int
    minimum: int
    mode: str = Hold.Mode.PLATFORM.value
    rates_json: str = "{}"
    budgets: tuple[BudgetCap, ...] = ()
    although_frozen: bool = False

    @property
    def counted(self) -> tuple[BudgetCap, ...]:
        """The budgets that this counts against: what costs nothing needs none."""
        return self.budgets if self.mode == Hold.Mode.PLATFORM else ()


@dataclass(frozen=True, slots=True)
class Capture:
    """Charge `cost`, at most what was held; what exceeds it is the operator's.

    `budgets` are those that its Held named; unless they are given they are looked for.
    """

    hold_id: UUID
    account_id: int
    lease_epoch: int
    cost: int
    basis: str
    facts: Facts = NO_FACTS
    budgets: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Void:
    """Charge nothing; `upstream_expense` is what the operator owes a provider all the same. `budgets` as in Capture."""

    hold_id: UUID
    account_id: int
    lease_epoch: int
    basis: str
    upstream_expense: int = 0
    facts: Facts = NO_FACTS
    budgets: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """End a hold that had no heartbeat for `stale_s`: void it, or capture its last checkpoint."""

    hold_id: UUID
    account_id: int
    stale_s: float


@dataclass(frozen=True, slots=True)
class Expire:
    """Have what expired leave the wallet, as any other move of the wallet does by the way."""

    account_id: int


@dataclass(frozen=True, slots=True)
class Post:
    """Move `amount` (negative: back) from a system account into a wallet, once per `key`.

    What comes in pays the user's debt first; with `expires_at` the rest is a lot. Taking back more than is available is
    refused, unless it is `owed`: then the rest becomes debt.
    """

    account_id: int
    against: str
    amount: int
    kind: str
    key: str
    reason: str
    actor: str
    expires_at: datetime | None = None
    owed: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """A call is alive: what it has delivered, and what that costs so far."""

    hold_id: UUID
    delivered_tokens: int
    checkpoint_amount: int
    dispatched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """`budgets`: the ids of those that it counts against."""

    hold_id: UUID
    amount: int
    lease_epoch: int
    budgets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """`budget` is the one that had only `available` left, where the reason is "budget". Who owes is "frozen" too."""

    reason: Literal["insufficient", "frozen", "no_account", "budget", "expired"]
    available: int = 0
    budget: BudgetCap | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """`won`: this move ended the hold. `captured`: what the consumer has paid for it, whoever ended it."""

    won: bool
    captured: int


@dataclass(frozen=True, slots=True)
class Posted:
    """`made` is False where the key had been used before: nothing changed now. Otherwise the move's amount is
    `wallet_change` - `debt_change`: a debt that grows is what the wallet didn't have.
    """

    made: bool
    wallet_change: int = 0
    debt_change: int = 0


@dataclass(frozen=True, slots=True)
class Expired:
    """What left the wallet by now, with this batch."""

    amount: int


@dataclass(frozen=True, slots=True)
class Broken:
    """The database refused this one move."""

    error: Exception


Close = Capture | Void | Sweep
Move = Reserve | Close | Post | Expire
Outcome = Held | Refused | Closed | Posted | Expired | Broken
