"""Opens the hold of a call before anything is sent upstream, and ends it: settled exactly once, and recorded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from credits.amounts import to_text
from credits.errors import AccountFrozen, InsufficientCredits
from credits.ledger.moves import Capture, Closed, Facts, Held, Refused, Reserve, Void
from credits.models import Hold
from gateway import endings, records, timing
from gateway.budgets import ACCOUNT, KEY
from gateway.composed import records as composed_records
from gateway.composed.whole import Whole
from gateway.endings import Ending
from gateway.errors import Stopping
from gateway.exchange import Exchange
from gateway.limits import admission
from gateway.models import RequestRow
from gateway.runtime import Clock, Runtime
from opscenter.core.errors import ServiceError

_SETTLE_PATIENCE_S = 2.0
_SHORT = ("insufficient", "budget")
_BUDGETS = {KEY: ("key_budget", "this key's"), ACCOUNT: ("user_budget", "this account's")}
_BUDGET_ABOVE = ("parent_key_budget", "a parent key's")


async def reserve(serving: Runtime, exchange: Exchange) -> None:
    """Hold the most that any candidate can cost; committed when this returns, and ended by end() alone.

    Where that can't be covered, the candidates that cost nothing are left, if there are any.
    Raises InsufficientCredits (402), AccountFrozen (403), LedgerUnavailable (503): the call is recorded as refused.
    """
    try:
        outcome = await serving.writer.reserve(_reservation(exchange, serving.clock))
        if isinstance(outcome, Refused) and outcome.reason in _SHORT and exchange.keep_free():
            outcome = await serving.writer.reserve(_reservation(exchange, serving.clock))
        if isinstance(outcome, Refused):
            raise refusal(exchange, outcome)
    except ServiceError as error:
        serving.recorder.put_refused(records.refused(exchange, error))
        raise
    exchange.held = outcome
    serving.inflight.add(exchange)


async def end(serving: Runtime, exchange: Exchange, ending: Ending) -> int:
    """Settle as `ending` says and record the call; returns the nanocredits charged. An inner call's end is its whole's
    to settle and record.

    Goes on by itself if the waiter is cancelled. When the database is away, the settle is retried behind the
    answer, which isn't held back for it longer than two seconds.
    """
    exchange.ended = True
    # Nothing more is asked of an upstream, however long the settle takes.
    admission.ended(serving, exchange, tokens=ending.usage.tokens)
    is_whole = ending.status == RequestRow.Status.SUCCEEDED
    timing.ended(serving.measured, exchange, is_whole=is_whole, tokens=ending.usage.output)
    if exchange.part_of is not None:
        exchange.part_of.note(exchange, ending)
        return 0
    if exchange.held is None:
        _record(serving, exchange, ending)
        return exchange.charged_nano
    closing = serving.writer.closing(_closing(exchange, exchange.held, ending))
    closing.add_done_callback(partial(_closed, serving, exchange, ending))
    serving.inflight.settle(closing)
    await asyncio.wait((closing,), timeout=_SETTLE_PATIENCE_S)
    if closing.done():
        return closing.result().captured
    exchange.charged_nano = min(ending.cost, exchange.held.amount)
    return exchange.charged_nano


@asynccontextmanager
async def ended_on_failure(serving: Runtime, exchange: Exchange) -> AsyncIterator[None]:
    """Ends the call if what happens inside fails, whatever it fails of; without an end it would be held for ever."""
    try:
        yield
    except ServiceError as error:
        await end(serving, exchange, endings.upstream_failed(exchange, error))
        raise
    except asyncio.CancelledError:
        # What a stop of ours cut off before anything came is as free as what a crash cuts off.
        cut_off = serving.inflight.stopping and not exchange.meter.has_output
        ending = endings.refused(exchange, Stopping()) if cut_off else endings.abandoned(exchange)
        await end(serving, exchange, ending)
        raise
    except Exception:
        await end(serving, exchange, endings.upstream_failed(exchange, ServiceError("A fault of the gateway.")))
        raise


def _closed(serving: Runtime, exchange: Exchange, ending: Ending, closing: "asyncio.Future[Closed]") -> None:
    if not closing.cancelled() and closing.exception() is None:
        exchange.charged_nano = closing.result().captured
    _record(serving, exchange, ending)


def _record(serving: Runtime, exchange: Exchange, ending: Ending) -> None:
    serving.inflight.remove(exchange)
    if isinstance(exchange, Whole):
        serving.recorder.put(*composed_records.rows(exchange, ending), composed_records.parts(exchange, ending))
    else:
        serving.recorder.put(*records.rows(exchange, ending))


def _reservation(exchange: Exchange, clock: Clock) -> Reserve:
    most, now = exchange.most_nano(), clock()
    return Reserve(
        hold_id=exchange.id,
        account_id=exchange.caller.account_id,
        virtual_key_id=exchange.caller.key_id,
        amount=most,
        minimum=exchange.least_nano(most),
        mode=Hold.Mode.PLATFORM if most else _mode_of_nothing(exchange),
        rates_json=bytes(exchange.receipt).decode(),
        budgets=tuple(budget.at(now) for budget in exchange.caller.budgets),
    )


def _mode_of_nothing(exchange: Exchange) -> Hold.Mode:
    is_own = all(candidate.target.owner_id is not None for candidate in exchange.candidates)
    return Hold.Mode.BYOK if is_own else Hold.Mode.FREE


def refusal(exchange: Exchange, refused: Refused) -> ServiceError:
    """What the caller is told where the ledger has refused."""
    if refused.reason not in _SHORT:
        return AccountFrozen("This account may not spend credits: its status and debt are at /api/v1/llm/credits.")
    required, available = to_text(exchange.most_nano()), to_text(refused.available)
    affordable = exchange.affordable_output(refused.available) if exchange.ask.choices else 0
    shorter = f"Ask for at most {affordable} tokens (max_tokens)" if affordable else "Send less"
    if refused.budget:
        window = refused.budget.window
        is_above = refused.budget.scope == KEY and refused.budget.scope_id != exchange.caller.key_id
        source, whose = _BUDGET_ABOVE if is_above else _BUDGETS[refused.budget.scope]
        limit = {"limit_source": source, "window": window}
        where, remedy = f"left in {whose} budget for {window}", "wait for the next period, or have it raised"
    else:
        limit = {"limit_source": "credits"}
        where, remedy = "available", "or add credits"
    return InsufficientCredits(
        f"This call can cost up to {required} credits and {available} are {where}.",
        details=limit
        | {
            "required_credits": required,
            "available_credits": available,
            "affordable_max_tokens": affordable,
            "remedy_hint": f"{shorter}, {remedy}.",
        },
    )


def _closing(exchange: Exchange, held: Held, ending: Ending) -> Capture | Void:
    target = exchange.answering.candidate.target if exchange.tries else None
    facts = Facts(
        model=target.model_name if target else "",
        provider=target.provider if target else "",
        tokens=ending.usage.tokens,
    )
    where = (exchange.id, exchange.caller.account_id, held.lease_epoch)
    if ending.captures:
        return Capture(*where, ending.cost, ending.basis, facts, held.budgets)
    return Void(*where, ending.basis, ending.upstream_expense, facts, held.budgets)
