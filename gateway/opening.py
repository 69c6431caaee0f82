"""Takes a call in: within its max_cost, its caller's limits and what is held for it. Until then nobody is asked."""

from gateway import hold, max_cost, records
from gateway.exchange import Exchange
from gateway.limits import admission
from gateway.once import answering
from gateway.runtime import Runtime
from opscenter.core.errors import ServiceError
from opscenter.core.limits import Limits


async def opened(serving: Runtime, exchange: Exchange, tier: Limits) -> None:
    """The call is held for when this returns, and hold.end() alone ends it; `tier` has the limits that its user hasn't.

    Raises InsufficientCredits (402), AccountFrozen (403), RateLimited (429), LedgerUnavailable (503), CallInProgress
    (409): the call is recorded as refused.
    """
    _keep_within_max_cost(serving, exchange)
    async with admission.admitted(serving, exchange, tier):
        await hold.reserve(serving, exchange)
        await answering.confirm(serving, exchange)


def _keep_within_max_cost(serving: Runtime, exchange: Exchange) -> None:
    try:
        max_cost.keep_within(exchange)
    except ServiceError as error:
        serving.recorder.put_refused(records.refused(exchange, error))
        raise
