"""The rows of a composed call: its own, which bears no tokens and no charge, and those of its calls, which do."""

from msgspec import structs

from gateway import records
from gateway.composed.endings import got_round
from gateway.composed.whole import Whole
from gateway.endings import Ending
from gateway.rows import AttemptValues, RequestValues


def rows(whole: Whole, ending: Ending) -> tuple[RequestValues, list[AttemptValues]]:
    request, attempts = records.rows(whole, ending)
    borne = dict.fromkeys(
        (
            *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches"),
            *("charged_nano", "overrun_nano", "expense_nano"),
        ),
        0,
    )
    return structs.replace(request, **borne), attempts


def parts(whole: Whole, ending: Ending) -> list[tuple[RequestValues, list[AttemptValues]]]:
    """Once it is known what is charged."""
    return [
        records.rows(part, ended if ended.captures or not ending.captures else got_round(ended))
        for part, ended in whole.shares()
    ]
