"""Whatever is recorded in whatever order, twice, late or for the dead: sums and requests say the same."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.models import RequestRow, UsageStat
from gateway.models.usage_stat import DIMENSIONS, SUMS
from gateway.recorder import Record, save
from gateway.rows import RequestValues
from gateway.usage.check import Days, check
from tests.gateway.usage.calls import NOW, TODAY, call, id_at

_IDS = [id_at(NOW - timedelta(days=n % 3)) for n in range(12)]
_LARGEST = 2**40
_numbers = st.integers(min_value=0, max_value=10**6)
_rows: st.SearchStrategy[RequestValues] = st.fixed_dictionaries(
    {
        "id": st.sampled_from(_IDS),
        "status": st.sampled_from(RequestRow.Status.values),
        "account_id": st.sampled_from([None, 1, 2]),
        "user_id": st.sampled_from([None, 1]),
        "virtual_key_id": st.sampled_from([None, 3, 4]),
        "tier": st.sampled_from(["", "free"]),
        "model": st.sampled_from(["", "m1", "m2"]),
        "component": st.sampled_from(["", "a", "ä'\"%"]),
        "attempts": st.integers(min_value=0, max_value=9),
        "prompt_tokens": _numbers,
        "completion_tokens": _numbers,
        "searches": _numbers,
        "billing_basis": st.sampled_from(["provider", "byok"]),
        "charged_nano": st.integers(min_value=0, max_value=_LARGEST),
        "overrun_nano": st.integers(min_value=0, max_value=_LARGEST),
        "cost_nano_usd": st.integers(min_value=0, max_value=_LARGEST),
        "duration_ms": _numbers,
    }
).map(lambda fields: _row(**fields))


def _row(**fields: Any) -> RequestValues:
    charged = fields.pop("charged_nano")
    row = call(**fields)
    row.charged_nano = charged
    return row


def kept(history: list[list[RequestValues]]) -> dict[Any, RequestValues]:
    """Which row of each request stays: the first, unless that is one for the dead and another comes."""
    rows: dict[Any, RequestValues] = {}
    for batch in history:
        before = dict(rows)
        for row in batch:
            stays = rows.setdefault(row.id, row)
            if stays.status == "lost" and row.status != "lost" and row.id in before:
                rows[row.id] = row
    return rows


_OF_ROWS = [name for name in SUMS if name not in ("requests", "failed", "refused", "own_key_requests")]


def summed(rows: list[RequestValues]) -> dict[tuple[Any, ...], Counter[str]]:
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for row in rows:
        of = (row.created_at.date(), *(getattr(row, name) or 0 for name in DIMENSIONS[1:4]))
        sum = sums.setdefault((*of, *(getattr(row, name) for name in DIMENSIONS[4:])), Counter())
        sum["requests"] += 1
        sum["failed"] += row.status in ("failed", "lost")
        sum["refused"] += row.status == "refused"
        sum["own_key_requests"] += row.billing_basis == "byok"
        for name in _OF_ROWS:
            sum[name] += getattr(row, name)
    return sums


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=st.lists(st.lists(_rows, max_size=6, unique_by=lambda row: row.id), max_size=6))
def test_the_sums_are_those_of_the_rows_that_stay(history: list[list[RequestValues]]) -> None:
    with transaction.atomic():
        for batch in history:
            save([Record(row, []) for row in batch])

        stays = kept(history)
        assert dict(RequestRow.objects.values_list("pk", "charged_nano")) == {
            id: row.charged_nano for id, row in stays.items()
        }
        stored: list[dict[str, Any]] = [dict(stat) for stat in UsageStat.objects.filter(requests__gt=0).values()]
        assert {tuple(stat[name] for name in DIMENSIONS): {name: stat[name] for name in SUMS} for stat in stored} == {
            of: {name: sum[name] for name in SUMS} for of, sum in summed(list(stays.values())).items()
        }
        assert [str(problem) for problem in check(Days(TODAY - timedelta(days=3), TODAY)) if problem.name == "U1"] == []
        transaction.set_rollback(True)
