"""Every way in which a composed call can end, by how its inner calls did."""

from dataclasses import replace

from credits.amounts import LARGEST
from gateway.composed.whole import Part, Whole
from gateway.endings import NOTHING, Ending
from gateway.errors import ClientLeft, Stopping, UpstreamRejected
from gateway.models.request import RequestRow
from gateway.usage_counts import Usage
from opscenter.core.errors import ServiceError

_Status, _Basis = RequestRow.Status, RequestRow.Basis


def answered(whole: Whole) -> Ending:
    """What its calls came to is charged."""
    paid = [part.ending for part in whole.parts if part.ending.captures]
    return Ending(
        status=_Status.DISCONNECTED if whole.client_left else _Status.SUCCEEDED,
        basis=_basis(paid),
        http_status=200,
        usage=_sum(paid),
        cost=min(sum(ending.cost for ending in paid), LARGEST),
        captures=True,
    )


def abandoned(whole: Whole) -> Ending:
    """The client went away: what had come by then is charged."""
    if any(part.ending.captures for part in whole.parts):
        return answered(whole)
    return replace(failed(whole, ClientLeft()), status=_Status.DISCONNECTED)


def stopped(whole: Whole) -> Ending:
    """This process goes down: what nobody has heard anything of is free."""
    return abandoned(whole) if whole.sending else replace(failed(whole, Stopping()), status=_Status.REFUSED)


def cut_short(whole: Whole, error: ServiceError) -> Ending:
    """This gateway ended it, for its time or its length: what was delivered is charged."""
    status = _Status.DISCONNECTED if whole.client_left else _Status.FAILED
    return replace(abandoned(whole), status=status, error_code=error.code or error.type)


def broken_off(whole: Whole, error: ServiceError) -> Ending:
    """An upstream's fault is free. What a client has heard before its own request was found to be at fault, or before
    this gateway ended it, is charged: or steps could be had for nothing, by asking for an answer that can't be given.
    """
    is_callers = whole.sending and isinstance(error, UpstreamRejected)
    return cut_short(whole, error) if whole.is_cut or is_callers else failed(whole, error)


def failed(whole: Whole, error: ServiceError) -> Ending:
    """There is no answer, and nothing to pay; what its calls had used is the operator's expense, at cost."""
    whole.parts = [Part(part.exchange, _free(part)) for part in whole.parts]
    return Ending(
        status=_Status.FAILED,
        basis=_Basis.VOID,
        http_status=200 if whole.sending else error.status,
        usage=_sum([part.ending for part in whole.parts]),
        upstream_expense=min(sum(part.ending.upstream_expense for part in whole.parts), LARGEST),
        error_code=error.code or error.type,
    )


def got_round(ending: Ending) -> Ending:
    """Of an inner call that failed, in a whole that is charged: an expense is a whole hold's."""
    return replace(ending, upstream_expense=0)


def _free(part: Part) -> Ending:
    ending = part.ending
    if not ending.captures:
        return ending
    expense = part.exchange.answering.candidate.at_cost.cost_nano(ending.usage)
    return replace(ending, basis=_Basis.VOID, cost=0, captures=False, upstream_expense=min(expense, LARGEST))


def _basis(paid: list[Ending]) -> str:
    """Of several the least certain."""
    bases = {ending.basis for ending in paid}
    ordered = (_Basis.COUNTED, _Basis.PROVIDER, _Basis.FREE, _Basis.BYOK)
    return next((basis for basis in ordered if basis in bases), _Basis.FREE)


def _sum(ended: list[Ending]) -> Usage:
    return Usage(*map(sum, zip(*(ending.usage for ending in ended), strict=True))) if ended else NOTHING
