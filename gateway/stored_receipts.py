"""The receipt of a call that is over, by its row, the attempt that answered, its hold and its journals."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import Sum

from credits.ledger.closing import SWEPT_CHECKPOINT, SWEPT_NOTHING
from credits.models import Entry, Hold, Journal
from gateway.models import AttemptRow, RequestRow
from gateway.receipts import Inputs, Receipt, receipt, receipt_of_parts
from gateway.usage_counts import Usage


def receipt_of(row: RequestRow) -> Receipt:
    """Three queries, of a composed call two more for each of its parts; what was pruned or never written leaves the
    receipt without a verdict.
    """
    hold = Hold.objects.filter(pk=row.parent_id or row.pk).first()
    is_byok = hold is not None and hold.mode == Hold.Mode.BYOK
    if row.parent_id is not None:
        return receipt(_inputs(row, is_byok=is_byok))
    if parts := parts_of(row):
        bills = [receipt(_inputs(part, is_byok=is_byok)) for part in parts]
        return receipt_of_parts(list(zip(map(_named, parts), bills, strict=True)), _charged(row, parts), _moved(row))
    return receipt(
        replace(
            _inputs(row, is_byok=is_byok),
            swept_nano=hold.captured or 0 if hold and hold.basis in (SWEPT_CHECKPOINT, SWEPT_NOTHING) else None,
            checkpoint_nano=hold.checkpoint_amount if hold else 0,
            moved_nano=_moved(row),
        )
    )


def parts_of(row: RequestRow) -> list[RequestRow]:
    """The inner calls of a composed one, in their order; whoever was tried by itself has none."""
    return [] if row.attempts else list(RequestRow.objects.filter(parent_id=row.pk).order_by("pk"))


def _inputs(row: RequestRow, *, is_byok: bool) -> Inputs:
    return Inputs(
        status=row.status,
        basis=row.billing_basis,
        usage=_usage(row),
        rates=_answering_rates(row),
        credits_per_usd=str(row.rates.get("credits_per_usd")),
        held_nano=row.held_nano,
        charged_nano=row.charged_nano,
        is_byok=is_byok,
    )


def _named(part: RequestRow) -> str:
    return part.operation or part.component or str(part.pk)


def _charged(row: RequestRow, parts: list[RequestRow]) -> int:
    return row.charged_nano + sum(part.charged_nano for part in parts)


def _usage(row: RequestRow) -> Usage:
    uncached = row.prompt_tokens - row.cached_tokens - row.cache_write_tokens
    return Usage(uncached, row.cached_tokens, row.cache_write_tokens, row.completion_tokens, row.searches)


def _answering_rates(row: RequestRow) -> Mapping[str, Any]:
    rates = AttemptRow.objects.filter(request_id=row.pk).order_by("-n").values_list("rates", flat=True).first()
    return rates or {}


def _moved(row: RequestRow) -> int:
    """What left the wallet, less what came back; what cost nothing has no journal."""
    entries = Entry.objects.filter(journal__in=Journal.objects.of_request(row.pk), account_id=row.account_id)
    return -(entries.aggregate(total=Sum("amount"))["total"] or 0)
