"""The receipt of a call that is over, by its row, the attempt that answered, its hold and its journals."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Sum

from credits.ledger.closing import SWEPT_CHECKPOINT, SWEPT_NOTHING
from credits.models import Entry, Hold, Journal
from gateway.models import AttemptRow, RequestRow
from gateway.receipts import Inputs, Receipt, receipt
from gateway.usage_counts import Usage


def receipt_of(row: RequestRow) -> Receipt:
    """Three queries; what was pruned or never written leaves the receipt without a verdict."""
    hold = Hold.objects.filter(pk=row.pk).first()
    return receipt(
        Inputs(
            status=row.status,
            basis=row.billing_basis,
            usage=_usage(row),
            rates=_answering_rates(row),
            credits_per_usd=str(row.rates.get("credits_per_usd")),
            held_nano=row.held_nano,
            charged_nano=row.charged_nano,
            swept_nano=hold.captured or 0 if hold and hold.basis in (SWEPT_CHECKPOINT, SWEPT_NOTHING) else None,
            checkpoint_nano=hold.checkpoint_amount if hold else 0,
            moved_nano=_moved(row),
            is_byok=hold is not None and hold.mode == Hold.Mode.BYOK,
        )
    )


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
