"""Every way in which a call can end, and what is charged for it; docs/architecture.md has the table."""

from dataclasses import dataclass, replace

from credits.amounts import LARGEST
from gateway.errors import ClientLeft
from gateway.exchange import Exchange
from gateway.models.request import AttemptRow, RequestRow
from gateway.routing import Candidate
from gateway.usage_counts import Usage
from opscenter.core.errors import ServiceError

NOTHING = Usage(0, 0, 0, 0)
_Status = RequestRow.Status
_Basis = RequestRow.Basis
_Source = AttemptRow.UsageSource


@dataclass(frozen=True, slots=True)
class Ending:
    """`cost` and `upstream_expense` in nanocredits; only an ending that captures has a cost."""

    status: str
    basis: str
    http_status: int
    usage: Usage = NOTHING
    usage_source: str = _Source.NONE
    cost: int = 0
    upstream_expense: int = 0
    captures: bool = False
    error_code: str = ""


def answered(exchange: Exchange) -> Ending:
    """The answer is complete: the provider's usage is charged, or the counted output where it reported none."""
    usage = exchange.meter.usage
    source = _Source.PROVIDER if usage is not None else _Source.COUNTED
    return _captured(exchange, usage if usage is not None else exchange.counted_usage(), source)


def abandoned(exchange: Exchange) -> Ending:
    """The client went away and the upstream was not waited for any longer: what had come is charged as counted."""
    if exchange.meter.usage is not None:
        return answered(exchange)
    if not exchange.attempts or (exchange.answering.error and not exchange.meter.has_output):
        return refused(exchange, ClientLeft())
    return _captured(exchange, exchange.counted_usage(), _Source.COUNTED)


def cut_short(exchange: Exchange, error: ServiceError) -> Ending:
    """This gateway ended the answer, for its time or its length: what was delivered is charged, as counted."""
    ending = abandoned(exchange)
    status = _Status.DISCONNECTED if exchange.client_left else _Status.FAILED
    return replace(ending, status=status, error_code=error.code or error.type)


def upstream_failed(exchange: Exchange, error: ServiceError, *, begun: bool = False) -> Ending:
    """An upstream's fault is free to the consumer; what it had delivered by then is the operator's expense.

    `error` is what the client is told, behind a 200 where the answer had `begun`.
    """
    expense, usage, source = 0, NOTHING, _Source.NONE
    if exchange.meter.usage is not None or exchange.meter.has_output:
        reported = exchange.meter.usage
        usage = reported if reported is not None else exchange.counted_usage()
        source = _Source.PROVIDER if reported is not None else _Source.COUNTED
        expense = min(exchange.answering.candidate.at_cost.cost_nano(usage), LARGEST)
    return Ending(
        status=_Status.FAILED,
        basis=_Basis.VOID,
        http_status=200 if begun else error.status,
        usage=usage,
        usage_source=source,
        upstream_expense=expense,
        error_code=error.code or error.type,
    )


def refused(exchange: Exchange, error: ServiceError) -> Ending:
    """Nothing was answered: nothing is charged."""
    status = _Status.DISCONNECTED if exchange.client_left else _Status.REFUSED
    return Ending(status=status, basis=_Basis.VOID, http_status=error.status, error_code=error.code or error.type)


def _captured(exchange: Exchange, usage: Usage, source: str) -> Ending:
    candidate = exchange.answering.candidate
    rates = candidate.rates
    cost = min(rates.cost_nano(usage), LARGEST)
    if source == _Source.COUNTED and exchange.held is not None:
        cost = min(cost, exchange.held.amount)
    return Ending(
        status=_Status.DISCONNECTED if exchange.client_left else _Status.SUCCEEDED,
        basis=_basis(candidate, source),
        http_status=200,
        usage=usage,
        usage_source=source,
        cost=cost,
        captures=True,
    )


def _basis(candidate: Candidate, source: str) -> str:
    if candidate.target.owner_id is not None:
        return _Basis.BYOK
    if candidate.rates.is_free:
        return _Basis.FREE
    return _Basis.PROVIDER if source == _Source.PROVIDER else _Basis.COUNTED
