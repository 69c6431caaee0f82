"""The rows that a call leaves behind; no prompt and no answer is in them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from django.conf import settings

from credits.models import Hold
from gateway import endings
from gateway.ask import Ask, printable
from gateway.callers import Caller
from gateway.endings import NOTHING, Ending
from gateway.exchange import Attempt, Exchange
from gateway.models import AttemptRow, RequestRow
from gateway.own_keys import OWN, is_own
from gateway.pricing import usd
from gateway.rows import AttemptValues, RequestValues
from gateway.usage.moved import Moved
from llmconfig.target import Target
from opscenter.core.errors import ServiceError
from opscenter.core.ids import uuid7


def rows(exchange: Exchange, ending: Ending) -> tuple[RequestValues, list[AttemptValues]]:
    """The request's row and those of its attempts, to be written. `created_at` is the time inside the id."""
    started = time_of(exchange.id)
    attempts = [
        _attempt(exchange, attempt, number, started, ending)
        for number, attempt in enumerate(exchange.attempts, start=1)
    ]
    return _request(exchange, ending, started, sum(int(row.cost_usd.scaleb(9)) for row in attempts)), attempts


def refused(exchange: Exchange, error: ServiceError) -> RequestValues:
    """The row of a call that nothing was held for."""
    return rows(exchange, endings.refused(exchange, error))[0]


def turned_away(
    request_id: UUID, caller: Caller, ask: Ask, tags: dict[str, str], endpoint: str, error: ServiceError
) -> RequestValues:
    """The row of a call that no candidate was found for."""
    return RequestValues(
        id=request_id,
        created_at=time_of(request_id),
        user_id=caller.user_id,
        account_id=caller.account_id,
        virtual_key_id=caller.key_id,
        endpoint=endpoint,
        tier=caller.tier,
        power_level=caller.power_level,
        environment=caller.environment,
        component=tags.get("component") or caller.component,
        operation=tags.get("operation", ""),
        routing_path=tags.get("routing_path", ""),
        requested_model=printable(ask.model or "auto")[:200],
        streamed=ask.stream,
        status=RequestRow.Status.REFUSED,
        http_status=error.status,
        error_code=error.code or error.type,
        billing_basis=RequestRow.Basis.VOID,
    )


def time_of(request_id: UUID) -> datetime:
    """When a UUIDv7 was made; the same for every writer of its row, so that a second one is seen as such."""
    return datetime.fromtimestamp((request_id.int >> 80) / 1000, UTC)


def lost(hold: Hold, moved: Moved) -> RequestValues:
    """The row of a call whose worker died before it could write one; `moved` is what the ledger says of it."""
    basis = moved.late_basis or hold.basis
    return RequestValues(
        id=hold.pk,
        created_at=time_of(hold.pk),
        user_id=hold.account.user_id,
        account_id=hold.account_id,
        virtual_key_id=hold.virtual_key_id,
        endpoint="",
        tier=str(hold.rates.get("tier", "")),
        power_level=str(hold.rates.get("power_level", "")),
        status=RequestRow.Status.LOST,
        error_code="worker_died",
        completion_tokens=hold.delivered_tokens,
        billing_basis=basis if basis in RequestRow.Basis.values else RequestRow.Basis.VOID,
        held_nano=hold.amount,
        charged_nano=moved.charged,
        overrun_nano=moved.overrun,
        expense_nano=moved.expense,
        rates=msgspec.Raw(msgspec.json.encode(hold.rates)),
    )


def _request(exchange: Exchange, ending: Ending, started: datetime, cost_nano_usd: int) -> RequestValues:
    target = exchange.answering.candidate.target if exchange.attempts else None
    usage = ending.usage
    now = datetime.now(UTC)
    return RequestValues(
        id=exchange.id,
        created_at=started,
        user_id=exchange.caller.user_id,
        account_id=exchange.caller.account_id,
        virtual_key_id=exchange.caller.key_id,
        client_request_id=exchange.client_request_id,
        endpoint=exchange.endpoint.name,
        tier=exchange.caller.tier,
        power_level=exchange.caller.power_level,
        environment=exchange.caller.environment,
        component=exchange.tags.get("component") or exchange.caller.component,
        operation=exchange.tags.get("operation", ""),
        routing_path=exchange.tags.get("routing_path", ""),
        requested_model=printable(exchange.ask.model or "auto")[:200],
        model=target.model_name if target else "",
        provider=target.provider if target else "",
        streamed=exchange.ask.stream,
        status=ending.status,
        http_status=ending.http_status,
        error_code=ending.error_code,
        attempts=len(exchange.attempts),
        prompt_tokens=usage.prompt,
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        completion_tokens=usage.output,
        searches=usage.searches,
        billing_basis=ending.basis,
        held_nano=exchange.held.amount if exchange.held else 0,
        charged_nano=exchange.charged_nano,
        overrun_nano=max(0, ending.cost - exchange.charged_nano) if exchange.held else 0,
        expense_nano=ending.upstream_expense if exchange.held else 0,
        cost_nano_usd=cost_nano_usd,
        rates=exchange.receipt,
        duration_ms=_milliseconds(now - started) if exchange.lasted_ms is None else exchange.lasted_ms,
        first_token_ms=int((exchange.first_token_at - exchange.began) * 1000) if exchange.first_token_at else None,
        overhead_ms=round(exchange.overhead_ms, 3),
        parent_id=exchange.part_of.id if exchange.part_of is not None else None,
    )


def _attempt(exchange: Exchange, attempt: Attempt, number: int, started: datetime, ending: Ending) -> AttemptValues:
    target = attempt.candidate.target
    usage = ending.usage if attempt is exchange.answering else NOTHING
    return AttemptValues(
        id=uuid7(),
        created_at=started,
        request_id=exchange.id,
        n=number,
        target=_shown(target),
        deployment_id=target.deployment_id,
        model=target.upstream_model,
        provider=target.provider,
        transport=attempt.way.transport(target),
        provider_key_id=None if target.server_type else target.provider_id,
        price_id=target.price.price_id,
        rates=attempt.candidate.receipt,
        outcome=attempt.outcome,
        upstream_status=attempt.error.status if attempt.error else None,
        message=attempt.error.message[:500] if attempt.error else "",
        usage_source=ending.usage_source if attempt is exchange.answering else AttemptRow.UsageSource.NONE,
        prompt_tokens=usage.prompt,
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        completion_tokens=usage.output,
        searches=usage.searches,
        cost_usd=usd(attempt.candidate.at_cost.cost_nano(usage), settings.CREDITS_PER_USD),
        duration_ms=int(((attempt.ended or attempt.began) - attempt.began) * 1000),
    )


def _shown(target: Target) -> str:
    """Of an own key without its number, which is in its column: metrics have one row for all of a provider's."""
    if is_own(target.key):
        return f"{target.provider_label}{OWN}"
    return f"{target.provider_label} ({target.key})"[:200]


def _milliseconds(span: timedelta) -> int:
    return max(0, int(span.total_seconds() * 1000))
