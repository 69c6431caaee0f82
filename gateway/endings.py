"""Every way in which a call can end, and what is charged for it; docs/architecture.md has the table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.models.request import AttemptRow, RequestRow
from gateway.usage_counts import Usage

if TYPE_CHECKING:
    from gateway.exchange import Exchange

_NOTHING = Usage(0, 0, 0, 0)
_Status = RequestRow.Status
_Basis = RequestRow.Basis
_Source = AttemptRow.UsageSource


@dataclass(frozen=True, slots=True)
class Ending:
    """`cost` and `upstream_expense` in nanocredits; only an ending that captures has a cost."""

    status: str
    basis: str
    http_status: int
    usage: Usage = _NOTHING
    usage_source: str = _Source.NONE
    cost: int = 0
    upstream_expense: int = 0
    captures: bool = False
    error_code: str = ""


def answered(exchange: "Exchange") -> Ending:
    """The answer is complete: the provider's usage is charged, or the counted output where it reported none."""
    usage = exchange.meter.usage
    source = _Source.PROVIDER if usage is not None else _Source.COUNTED
    return _captured(exchange, usage if usage is not None else exchange.counted_usage(), source)


def abandoned(exchange: "Exchange") -> Ending:
    """The client went away and the upstream was not waited for any longer: what had come is charged as counted."""
    if exchange.meter.usage is not None:
        return answered(exchange)
    if not exchange.attempts:
        return refused(exchange, http_status=499, error_code="client_disconnected")
    return _captured(exchange, exchange.counted_usage(), _Source.COUNTED)


def upstream_failed(exchange: "Exchange", *, http_status: int, error_code: str) -> Ending:
    """An upstream's fault is free to the consumer; what it had delivered by then is the operator's expense."""
    expense, usage, source = 0, _NOTHING, _Source.NONE
    if exchange.meter.usage is not None or exchange.meter.has_output:
        reported = exchange.meter.usage
        usage = reported if reported is not None else exchange.counted_usage()
        source = _Source.PROVIDER if reported is not None else _Source.COUNTED
        expense = exchange.answering.candidate.at_cost.cost_nano(usage)
    return Ending(
        status=_Status.FAILED,
        basis=_Basis.VOID,
        http_status=http_status,
        usage=usage,
        usage_source=source,
        upstream_expense=expense,
        error_code=error_code,
    )


def refused(exchange: "Exchange", *, http_status: int, error_code: str) -> Ending:
    """Nothing was answered: nothing is charged."""
    status = _Status.DISCONNECTED if exchange.client_left else _Status.REFUSED
    return Ending(status=status, basis=_Basis.VOID, http_status=http_status, error_code=error_code)


def _captured(exchange: "Exchange", usage: Usage, source: str) -> Ending:
    rates = exchange.answering.candidate.rates
    cost = rates.cost_nano(usage)
    if source == _Source.COUNTED and exchange.held is not None:
        cost = min(cost, exchange.held.amount)
    basis = _Basis.PROVIDER if source == _Source.PROVIDER else _Basis.COUNTED
    return Ending(
        status=_Status.DISCONNECTED if exchange.client_left else _Status.SUCCEEDED,
        basis=_Basis.FREE if rates.is_free else basis,
        http_status=200,
        usage=usage,
        usage_source=source,
        cost=cost,
        captures=True,
    )
