"""The sums of a day are those of its requests at any moment, whoever writes them and however often."""

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import pytest

from gateway.models import MarginStat, RequestRow, UsageStat
from gateway.recorder import Record, save, write
from gateway.records import time_of
from gateway.rows import RequestValues
from gateway.usage.check import Days, check
from opscenter.core.ids import uuid7
from tests.credits.ledger import in_threads


def a_row(request_id: UUID | None = None, /, **fields: Any) -> RequestValues:
    request_id = request_id or uuid7()
    values: dict[str, Any] = {
        "endpoint": "chat/completions",
        "status": "succeeded",
        "billing_basis": "provider",
        "account_id": 1,
        "user_id": 2,
        "virtual_key_id": 3,
        "tier": "starter",
        "power_level": "balanced",
        "model": "m1",
        "provider": "openai",
        "component": "search",
        "environment": "prod",
    }
    return RequestValues(id=request_id, created_at=time_of(request_id), **{**values, **fields})


def days_of(*rows: RequestValues) -> Days:
    days = [row.created_at.date() for row in rows]
    return Days(min(days), max(days))


@pytest.mark.django_db
def test_calls_alike_are_summed_and_others_are_told_apart() -> None:
    numbers = {"prompt_tokens": 30, "cached_tokens": 5, "cache_write_tokens": 4, "completion_tokens": 12}
    money = {"charged_nano": 700, "overrun_nano": 20, "expense_nano": 1, "cost_nano_usd": 2**53 + 1}
    rows = [
        a_row(**numbers, **money, attempts=2, duration_ms=40),
        a_row(status="failed", duration_ms=2),
        a_row(status="refused"),
        a_row(status="lost"),
        a_row(tier="free"),
    ]

    save([Record(row, []) for row in rows])

    stat = UsageStat.objects.get(tier="starter")
    assert (stat.day, stat.account_id, stat.user_id, stat.virtual_key_id) == (rows[0].created_at.date(), 1, 2, 3)
    assert (stat.power_level, stat.model, stat.provider) == ("balanced", "m1", "openai")
    assert (stat.component, stat.environment) == ("search", "prod")
    assert (stat.requests, stat.failed, stat.refused, stat.attempts, stat.duration_ms) == (4, 2, 1, 2, 42)
    assert {name: getattr(stat, name) for name in (*numbers, *money)} == {**numbers, **money}
    assert UsageStat.objects.get(tier="free").requests == 1
    assert [problem for problem in check(days_of(*rows)) if problem.name == "U1"] == []


@pytest.mark.django_db
def test_a_day_ends_at_midnight_utc() -> None:
    moments = (1_795_391_999_999, 1_795_392_000_000)
    first, second = (UUID(int=(moment << 80) | 0x7 << 76 | 0x2 << 62) for moment in moments)

    save([Record(a_row(first), []), Record(a_row(second), [])])

    assert set(UsageStat.objects.values_list("day", flat=True)) == {date(2026, 11, 22), date(2026, 11, 23)}
    assert check(Days(date(2026, 11, 22), date(2026, 11, 23))) == []


@pytest.mark.django_db
def test_a_batch_that_is_written_again_counts_once() -> None:
    batch = [Record(a_row(charged_nano=7), []) for _ in range(3)]

    save(batch)
    save([*batch, Record(a_row(charged_nano=100), [])])

    stat = UsageStat.objects.get()
    assert (stat.requests, stat.charged_nano) == (4, 121)


@pytest.mark.django_db
def test_a_row_twice_in_one_batch_counts_once() -> None:
    row = a_row(charged_nano=7)

    save([Record(row, []), Record(row, [])])

    assert UsageStat.objects.get().charged_nano == 7


@pytest.mark.django_db
def test_what_a_lost_calls_row_had_counted_gives_way_with_it() -> None:
    lost = a_row(status="lost", charged_nano=9, model="", provider="")
    save([Record(lost, [])])

    save([Record(a_row(lost.id, charged_nano=7), []), Record(a_row(charged_nano=100), [])])

    stored = RequestRow.objects.get(pk=lost.id)
    assert (stored.status, stored.charged_nano) == ("succeeded", 7)
    known = UsageStat.objects.get(model="m1")
    assert (known.requests, known.failed, known.charged_nano) == (2, 0, 107)
    unknown = UsageStat.objects.get(model="")
    assert (unknown.requests, unknown.failed, unknown.charged_nano) == (0, 0, 0)


@pytest.mark.django_db
def test_a_lost_calls_row_never_takes_the_place_of_another() -> None:
    own = a_row(charged_nano=7)
    save([Record(own, [])])

    save([Record(a_row(own.id, status="lost", charged_nano=9), [])])

    assert (RequestRow.objects.get().status, UsageStat.objects.get().charged_nano) == ("succeeded", 7)


@pytest.mark.django_db(transaction=True)
def test_workers_that_count_the_same_at_the_same_time_lose_nothing_and_wait_for_each_other_in_one_order() -> None:
    models = [f"m{n}" for n in range(12)]

    def worker(seed: int) -> Callable[[], None]:
        def work() -> None:
            order = Random(seed)
            for _ in range(15):
                rows = [a_row(model=model, user_id=seed % 2, charged_nano=5) for model in order.sample(models, 12)]
                write([Record(row, []) for row in rows])

        return work

    in_threads([worker(seed) for seed in range(4)])

    assert (UsageStat.objects.count(), MarginStat.objects.count()) == (24, 12)
    assert set(MarginStat.objects.values_list("requests", "charged_nano")) == {(60, 300)}
    assert set(UsageStat.objects.values_list("requests", "charged_nano")) == {(30, 150)}
