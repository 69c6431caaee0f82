"""Nanocredits (the ledger's integers) to and from the decimal strings of credits that people read."""

from decimal import Decimal

from credits.errors import AmountInvalid

NANO = 1_000_000_000
LARGEST = 2**63 - 1


def to_nano(credits: str | int | Decimal) -> int:
    """Exact nanocredits of a decimal number of credits. Raises AmountInvalid for what has no exact value."""
    try:
        nano = Decimal(credits) * NANO
        # int() of a number with an exponent of a million takes a second.
        whole = int(nano) if abs(nano) <= LARGEST else LARGEST + 1
    except (ArithmeticError, ValueError) as error:
        raise AmountInvalid(f"{credits!r} is no amount of credits.", param="amount") from error
    if whole != nano or abs(whole) > LARGEST:
        raise AmountInvalid(f"{credits} is too large or has more than nine decimal places.", param="amount")
    return whole


def to_text(nano: int) -> str:
    """Credits as a plain decimal string: "1000", "0.7", never an exponent or a trailing zero."""
    whole, rest = divmod(abs(nano), NANO)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if nano < 0 else text
