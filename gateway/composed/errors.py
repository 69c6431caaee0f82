"""What can only become of a call that is made of several."""

from opscenter.core.errors import PaymentRequired


class BudgetExhausted(PaymentRequired):
    """`call` is the number of the inner call that could not be made; all `is_free` unless a client has heard of it."""

    default_code = "budget_exhausted"

    def __init__(self, *, call: int, is_free: bool) -> None:
        charged = "Nothing is charged." if is_free else "What was said until then is charged."
        super().__init__(
            f"Call {call} of this request could not be made: the answers before it were longer than was planned for, "
            f"and what is held doesn't cover it. {charged}",
            details={
                "limit_source": "hold",
                "call": call,
                "remedy_hint": "Try again, ask another model, or send less.",
            },
        )
