"""What the ledger refuses.

ServiceError
├── PaymentRequired
│   └── InsufficientCredits    402
├── Forbidden
│   ├── AccountFrozen          403
│   └── WantsAnother           403
├── NotFound
│   ├── WalletMissing          404
│   └── NoSuchPackage          404
├── Conflict
│   ├── AdjustmentIsClosed     409
│   ├── RefundRefused          409
│   ├── Contradiction          409
│   └── PurchaseUnknown        409
├── Unprocessable
│   ├── AmountInvalid          422
│   └── PlanUnavailable        422
├── TooManyRequests
│   └── TooManyPurchases       429
├── BadGateway
│   └── StripeRefused          502
├── Unavailable
│   ├── LedgerUnavailable      503
│   ├── PurchasesOff           503
│   └── StripeUnavailable      503
└── LedgerBroken               500
"""

from typing import Any

from opscenter.core.errors import (
    BadGateway,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    ServiceError,
    TooManyRequests,
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


class NoSuchPackage(NotFound):
    default_code = "no_such_package"


class RefundRefused(Conflict):
    """Nothing was taken and nothing paid back."""

    default_code = "refund_refused"


class Contradiction(Conflict):
    """What Stripe says can't be true of our books: nothing moves until a person has looked."""

    default_code = "contradiction"


class PurchaseUnknown(Conflict):
    """Nothing here was paid with this; it may become known."""

    default_code = "purchase_unknown"


class TooManyPurchases(TooManyRequests):
    default_code = "too_many_purchases"


class StripeRefused(BadGateway):
    """Stripe answered, and did nothing."""

    default_code = "stripe_refused"


class PurchasesOff(Unavailable):
    default_code = "purchases_off"

    def __init__(self) -> None:
        super().__init__("Credits can't be bought here: no payment provider is set up.")


class StripeUnavailable(Unavailable):
    """No answer that says whether it was done."""

    default_code = "stripe_unavailable"

    def __init__(self, message: str = "The payment provider can't be reached right now. Try again shortly.") -> None:
        super().__init__(message, headers={"Retry-After": "5"})
