"""What the ledger refuses.

ServiceError
├── PaymentRequired
│   └── InsufficientCredits    402
├── Forbidden
│   ├── AccountFrozen          403
│   └── WantsAnother           403
├── NotFound
│   └── WalletMissing          404
├── Conflict
│   └── AdjustmentIsClosed     409
├── Unprocessable
│   ├── AmountInvalid          422
│   └── PlanUnavailable        422
├── Unavailable
│   └── LedgerUnavailable      503
└── LedgerBroken               500
"""

from typing import Any

from opscenter.core.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    ServiceError,
    Unavailable,
    Unprocessable,
)


class InsufficientCredits(PaymentRequired):
    """More was asked for than is available; `details` says what is."""


class AccountFrozen(Forbidden):
    default_code = "account_frozen"


class WantsAnother(Forbidden):
    default_code = "wants_another"

    def __init__(self) -> None:
        super().__init__("You proposed this: somebody else has to approve or decline it.")


class AdjustmentIsClosed(Conflict):
    """`state` says how it ended: made, declined or expired."""

    default_code = "adjustment_closed"

    def __init__(self, state: str) -> None:
        super().__init__(f"This can't be decided any more: it is {state}.", details={"state": state})


class WalletMissing(NotFound):
    default_code = "wallet_missing"


class AmountInvalid(Unprocessable):
    default_code = "amount_invalid"


class PlanUnavailable(Unprocessable):
    """There is none of that name, or nobody is given it any more."""

    default_code = "plan_unavailable"


class LedgerUnavailable(Unavailable):
    """No hold could be made durable, so nothing may be sent upstream."""

    default_code = "ledger_unavailable"

    def __init__(self, message: str = "Credits can't be held right now. Try again shortly.", **kwargs: Any) -> None:
        super().__init__(message, headers={"Retry-After": "2"}, **kwargs)


class LedgerBroken(ServiceError):
    """The database refused one move for what it is; the moves beside it went through."""

    default_code = "ledger_refused"
