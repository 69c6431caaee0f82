"""What can only become of a call that is made of several."""

from opscenter.core.errors import PaymentRequired


class BudgetExhausted(PaymentRequired):
    """`call` is the number of the inner call that could not be made."""

    default_code = "budget_exhausted"

    def __init__(self, *, call: int) -> None:
        super().__init__(
            f"Call {call} of this request could not be made: the answers before it were longer than a provider was "
            "asked for, and what is held doesn't cover it. Nothing is charged.",
            details={
                "limit_source": "hold",
                "call": call,
                "remedy_hint": "Try again, ask another model, or send less.",
            },
        )
