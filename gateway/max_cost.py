"""What a call may cost at most, as its caller says: `max_cost` in the body, X-Max-Cost; the smaller of both counts."""

from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from credits.amounts import LARGEST, NANO, to_text
from credits.errors import InsufficientCredits
from gateway.errors import InvalidRequest
from gateway.exchange import Exchange

FIELD = "max_cost"
HEADER = "HTTP_X_MAX_COST"
_DOWN = Context(prec=40, rounding=ROUND_DOWN)


def take(body: dict[str, Any], header: str | None) -> int | None:
    """Remove it from `body`; nanocredits, rounded down. Raises InvalidRequest (400)."""
    said = [value for value in (body.pop(FIELD, None), header) if value is not None]
    return min(map(_nano, said)) if said else None


def _nano(said: Any) -> int:
    """Of a float what is written: 0.1 is a tenth."""
    try:
        credits = Decimal(str(said)) if isinstance(said, str | int | float) and not isinstance(said, bool) else None
    except (ArithmeticError, ValueError):
        credits = None
    if credits is None or not credits.is_finite() or credits < 0:
        raise InvalidRequest(f"`{FIELD}` must be a number of credits, 0 or more, such as 0.5.", param=FIELD)
    # int() of a number with an exponent of a million takes a second.
    return int(_DOWN.multiply(credits, NANO)) if credits < LARGEST // NANO else LARGEST


def keep_within(exchange: Exchange) -> None:
    """Have `exchange` cost no more. Raises InsufficientCredits (402) where that can't be."""
    most = exchange.max_cost_nano
    if most is not None and not exchange.keep_within(most):
        raise _too_dear(exchange, most)


def _too_dear(exchange: Exchange, most: int) -> InsufficientCredits:
    cheapest = to_text(exchange.cheapest())
    affordable = exchange.affordable_somewhere(most) if exchange.ask.choices else 0
    shorter = f"Ask for at most {affordable} tokens (max_tokens)" if affordable else "Send less"
    return InsufficientCredits(
        f"This call can cost {cheapest} credits or more, and {FIELD} allows {to_text(most)}.",
        code="max_cost_exceeded",
        param=FIELD,
        details={
            "limit_source": FIELD,
            "required_credits": cheapest,
            "available_credits": to_text(most),
            "affordable_max_tokens": affordable,
            "remedy_hint": f"{shorter}, or allow more.",
        },
    )
