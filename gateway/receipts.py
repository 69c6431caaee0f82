"""A bill recomputed from what was stored with it, step by step, by the same functions that made it out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

from credits.amounts import to_text
from gateway.models.request import RequestRow
from gateway.pricing import token_rates
from gateway.usage_counts import Usage

_Basis, _Status = RequestRow.Basis, RequestRow.Status
_KINDS = ("Input", "Cached input", "Cache write", "Output")
_TOKENS_PER_PRICE = 1_000_000
_WHY = {
    _Basis.PROVIDER: "Charged by the usage that the provider reported.",
    _Basis.COUNTED: "The provider reported no usage: the prompt and the text delivered were counted here.",
    _Basis.CHECKPOINT: "The worker died: what its last sign of life had counted is charged.",
    _Basis.FREE: "What answered costs nothing.",
}
_WHY_NOTHING = {
    _Status.FAILED: "It failed upstream: free to the consumer, and what it had delivered is the operator's expense.",
    _Status.REFUSED: "It was refused: nothing was answered, nothing is charged.",
    _Status.DISCONNECTED: "The client went away before anything was answered.",
    _Status.LOST: "The worker died before anything was delivered.",
}


class Step(NamedTuple):
    what: str
    how: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a request's row, its last attempt and its hold say. Amounts in nanocredits.

    `rates` are those of the target that answered, as stored; empty where none did. `swept_nano` is what the sweep
    charged where it ended the hold before the call did; `checkpoint_nano` what the last sign of life had counted;
    `moved_nano` what left the wallet for it, by the ledger, or None where nobody looked.
    """

    status: str
    basis: str
    usage: Usage
    rates: Mapping[str, Any]
    credits_per_usd: str
    held_nano: int
    charged_nano: int
    swept_nano: int | None = None
    checkpoint_nano: int = 0
    moved_nano: int | None = None
    is_byok: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """`due_nano` is what the stored inputs come to; None where too little is stored to say. `overrun_nano` is what
    the call cost beyond what the consumer paid: the operator's. `contradictions` are sentences.
    """

    why: str
    steps: tuple[Step, ...]
    due_nano: int | None
    overrun_nano: int = 0
    contradictions: tuple[str, ...] = ()

    @property
    def is_contradicted(self) -> bool:
        return bool(self.contradictions)


def receipt(inputs: Inputs) -> Receipt:
    """Never raises: rates that can't be read leave the receipt without steps, and compared with the ledger alone."""
    made_out = _made_out(inputs)
    return replace(made_out, contradictions=tuple(_contradictions(inputs, made_out.due_nano)))


def receipt_of_parts(parts: Sequence[tuple[str, Receipt]], charged_nano: int, moved_nano: int) -> Receipt:
    """Of a composed call: the sum of its inner calls, by their names."""
    dues = [bill.due_nano for _, bill in parts]
    due = None if None in dues else sum(due or 0 for due in dues)
    steps = [Step(name, bill.why, "?" if bill.due_nano is None else _credits(bill.due_nano)) for name, bill in parts]
    return Receipt(
        f"Made of {len(parts)} calls, each with a receipt of its own: one hold, one charge, their sum.",
        tuple(steps),
        due,
        sum(bill.overrun_nano for _, bill in parts),
        tuple(_disagreements(charged_nano, due, moved_nano)),
    )


def _contradictions(inputs: Inputs, due_nano: int | None) -> Iterator[str]:
    return _disagreements(inputs.charged_nano, due_nano, inputs.moved_nano)


def _disagreements(charged_nano: int, due_nano: int | None, moved_nano: int | None) -> Iterator[str]:
    charged = _credits(charged_nano)
    if due_nano is not None and due_nano != charged_nano:
        yield f"What is stored comes to {_credits(due_nano)}, and {charged} were charged."
    if moved_nano is not None and moved_nano != charged_nano:
        yield f"By the ledger {_credits(moved_nano)} left the wallet, and by the request {charged}."


def _made_out(inputs: Inputs) -> Receipt:
    if inputs.basis == _Basis.VOID:
        return Receipt(_WHY_NOTHING.get(_Status(inputs.status), "Nothing is charged."), (), 0)
    if inputs.is_byok or inputs.basis == _Basis.BYOK:
        return Receipt("The consumer's own provider key answered: nothing is charged.", (), 0)
    if inputs.status == _Status.LOST and inputs.basis != _Basis.CHECKPOINT:
        return Receipt("The worker died after the settle and before it could write down what had been used.", (), None)
    why = _WHY[_Basis(inputs.basis)]
    if inputs.basis == _Basis.CHECKPOINT:
        due = min(inputs.checkpoint_nano, inputs.held_nano)
        step = Step("Last sign of life", f"{inputs.usage.output} tokens delivered", _credits(inputs.checkpoint_nano))
        return Receipt(why, (step, _capped(inputs, inputs.checkpoint_nano)), due)
    try:
        prices, factors = _prices(inputs.rates), _factors(inputs)
        rates = token_rates(**prices, **factors, credits_per_usd=inputs.credits_per_usd)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidOperation):
        return Receipt(f"{why} Its rates aren't stored: it can't be recomputed.", (), None)
    cost = rates.cost_nano(inputs.usage)
    due = min(cost, _covered(inputs))
    return Receipt(why, tuple(_steps(inputs, prices, factors, cost)), due, cost - due)


def _prices(rates: Mapping[str, Any]) -> dict[str, Decimal]:
    return {
        "input_price": Decimal(rates["input"]),
        "cached_price": Decimal(rates["cached_input"]),
        "write_price": Decimal(rates["cache_write"]),
        "output_price": Decimal(rates["output"]),
        # Receipts from before there were searches have none.
        "search_price": Decimal(rates.get("search", 0)),
    }


def _factors(inputs: Inputs) -> dict[str, Decimal]:
    return {"markup": Decimal(inputs.rates["markup"]), "multiplier": Decimal(inputs.rates["multiplier"])}


def _covered(inputs: Inputs) -> int:
    """The most that the consumer pays: what was held, or what the sweep had left of it."""
    return inputs.held_nano if inputs.swept_nano is None else inputs.swept_nano


def _steps(inputs: Inputs, prices: dict[str, Decimal], factors: dict[str, Decimal], cost: int) -> Iterator[Step]:
    total = Fraction(0)
    *per_tokens, per_search = prices.values()
    for kind, price, tokens in zip(_KINDS, per_tokens, inputs.usage[:-1], strict=True):
        part = Fraction(price) * tokens / _TOKENS_PER_PRICE
        total += part
        if tokens:
            yield Step(kind, f"{tokens} tokens × ${_plain(Fraction(price))} per 1M", f"${_plain(part)}")
    if searches := inputs.usage.searches:
        part = Fraction(per_search) * searches
        total += part
        yield Step("Searches", f"{searches} × ${_plain(Fraction(per_search))}", f"${_plain(part)}")
    yield Step("Price upstream", "the sum", f"${_plain(total)}")
    total *= 1 + Fraction(factors["markup"])
    yield Step("With the tier's markup", f"× (1 + {_plain(Fraction(factors['markup']))})", f"${_plain(total)}")
    total *= Fraction(factors["multiplier"])
    yield Step("At the power level", f"× {_plain(Fraction(factors['multiplier']))}", f"${_plain(total)}")
    total *= Fraction(inputs.credits_per_usd)
    yield Step("In credits", f"× {inputs.credits_per_usd} credits per USD", f"{_plain(total)} credits")
    yield Step("Rounded up, once", "to a whole nanocredit", _credits(cost))
    yield _capped(inputs, cost)


def _capped(inputs: Inputs, cost: int) -> Step:
    covered = _covered(inputs)
    if inputs.swept_nano is not None and inputs.basis != _Basis.CHECKPOINT:
        return Step("At most", f"the {_credits(covered)} that the sweep had charged", _credits(min(cost, covered)))
    return Step("At most", f"the {_credits(inputs.held_nano)} held", _credits(min(cost, inputs.held_nano)))


def _credits(nano: int) -> str:
    return f"{to_text(nano)} credits"


def _plain(exact: Fraction) -> str:
    """As a decimal, whole: products of decimal numbers have an end."""
    with localcontext(prec=100):
        return format((Decimal(exact.numerator) / Decimal(exact.denominator)).normalize(), "f")
