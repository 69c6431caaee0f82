"""Plans, and wholes with calls that have ended, without a database or an upstream."""

from typing import Any

from credits.ledger.moves import Held
from gateway.callers import Caller
from gateway.composed.planned import Plan, Planned
from gateway.composed.whole import Part, Whole
from gateway.endings import Ending
from gateway.endpoints.chat import CHAT, ChatSpeaker
from gateway.exchange import Exchange
from gateway.models import RequestRow
from gateway.usage_counts import Usage
from opscenter.core.ids import next_to, uuid7
from opscenter.core.limits import Limits
from tests.gateway.routing.made import made

M1 = made("m1", usd="2")
DEAR = made("dear", usd="10")


def planned(**changes: Any) -> Planned:
    return Planned(**{"candidates": (M1,), "input_bound": 100, "most": 500, "least": 200, **changes})


PLAN = Plan((planned(), planned(hears=(0,)), planned(most=None, candidates=(M1, DEAR), hears=(0, 1))))


def whole_of(held: int, plan: Plan = PLAN, **fields: Any) -> Whole:
    whole = Whole(
        plan=plan,
        speaks=ChatSpeaker,
        caller=Caller(1, 1, 1, "free", "balanced", "prod", "", frozenset(), None, None, (), None, Limits(), Limits()),
        ask=CHAT.parse(b'{"messages": [{"role": "user", "content": "Why?"}]}'),
        candidates=plan.candidates,
        endpoint=CHAT,
        tags={},
        id=uuid7(),
        **fields,
    )
    whole.held = Held(whole.id, held, 1)
    return whole


def note(whole: Whole, cost: int, *, is_paid: bool, tokens: int = 1) -> None:
    ask = whole.ask
    exchange = Exchange(
        caller=whole.caller,
        ask=ask,
        candidates=(M1,),
        endpoint=CHAT,
        tags={},
        id=next_to(whole.id, len(whole.parts) + 1),
        part_of=whole,
    )
    exchange.attempt(M1)
    basis = RequestRow.Basis.PROVIDER if is_paid else RequestRow.Basis.VOID
    status = RequestRow.Status.SUCCEEDED if is_paid else RequestRow.Status.FAILED
    usage = Usage(0, 0, 0, tokens)
    whole.parts.append(
        Part(
            exchange,
            Ending(status, basis, 200, usage, cost=cost, upstream_expense=0 if is_paid else 7, captures=is_paid),
        )
    )
