"""Request rows are written behind the calls; none holds up another."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import InterfaceError, OperationalError, connection

from gateway import refusals
from gateway.models import AttemptRow, RequestRow
from gateway.recorder import Record, Recorder, save
from gateway.records import time_of
from gateway.rows import AttemptValues, RequestValues
from llmconfig.models import ProviderKey
from opscenter.core.ids import uuid7
from tests.eventually import eventually


def _row(request_id: UUID | None = None, **fields: Any) -> RequestValues:
    request_id = request_id or uuid7()
    values: dict[str, Any] = {"endpoint": "chat/completions", "status": "succeeded", "billing_basis": "provider"}
    return RequestValues(id=request_id, created_at=time_of(request_id), **{**values, **fields})


def _attempt(row: RequestValues, n: int = 1) -> AttemptValues:
    return AttemptValues(
        id=uuid7(),
        created_at=row.created_at,
        request_id=row.id,
        n=n,
        target="d:1",
        model="x",
        provider="local",
        transport="relay",
        outcome="answered",
    )


def test_a_requests_time_is_the_time_of_its_id() -> None:
    moment = datetime(2026, 11, 21, 3, 44, 47, 123_000, tzinfo=UTC)
    milliseconds = int(moment.timestamp() * 1000)
    request_id = UUID(int=milliseconds << 80 | 0x7 << 76 | 0x2 << 62 | 12345)

    assert time_of(request_id) == moment
    assert abs((time_of(uuid7()) - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.django_db(transaction=True)
def test_rows_are_written_soon_with_their_attempts() -> None:
    recorder = Recorder()
    recorder.start()
    row = _row()

    recorder.put(row, [_attempt(row), _attempt(row, 2)])

    eventually(lambda: RequestRow.objects.filter(pk=row.id).exists())
    assert list(AttemptRow.objects.filter(request_id=row.id).order_by("n").values_list("n", flat=True)) == [1, 2]
    recorder.stop()


@pytest.mark.django_db(transaction=True)
def test_stopping_writes_what_waits() -> None:
    recorder = Recorder()
    for _ in range(1200):
        recorder.put(_row(), [])
    recorder.start()

    recorder.stop()

    assert recorder.waiting == 0
    assert RequestRow.objects.count() == 1200


@pytest.mark.django_db(transaction=True)
def test_a_row_that_the_database_refuses_does_not_hold_up_the_others() -> None:
    recorder = Recorder()
    fine = [_row(), _row()]
    recorder.put(fine[0], [_attempt(fine[0])])
    recorder.put(_row(component="a\ud800"), [])
    recorder.put(_row(prompt_tokens=-1), [])
    recorder.put(_row(status=None), [])
    recorder.put(fine[1], [])
    recorder.start()

    recorder.stop()

    assert recorder.waiting == 0
    assert set(RequestRow.objects.values_list("pk", flat=True)) == {row.id for row in fine}
    assert AttemptRow.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_rows_wait_while_they_can_not_be_written() -> None:
    recorder = Recorder()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE llm_requests RENAME TO hidden_requests")
    row = _row()
    recorder.put(row, [])
    recorder.start()
    try:
        assert not Recorder._write([Record(row, [])])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden_requests RENAME TO llm_requests")

    eventually(lambda: RequestRow.objects.filter(pk=row.id).exists())
    recorder.stop()


@pytest.mark.django_db
def test_the_first_end_of_a_call_is_the_one_that_counts() -> None:
    first = _row(charged_nano=7)
    save([Record(first, [])])

    save([Record(_row(first.id, charged_nano=9, status="lost"), [])])

    stored = RequestRow.objects.get()
    assert (stored.charged_nano, stored.status) == (7, "succeeded")


def test_more_rows_than_memory_is_meant_for_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.recorder._CAPACITY", 2)
    recorder = Recorder()
    for _ in range(3):
        recorder.put(_row(), [])

    assert recorder.waiting == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_a_connection_that_breaks_loses_no_row_and_not_the_thread(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    failures = iter([kind("the connection is closed")])

    def failing(batch: Any) -> None:
        for failure in failures:
            raise failure
        save(batch)

    monkeypatch.setattr("gateway.recorder.save", failing)
    recorder = Recorder()
    row = _row()
    recorder.put(row, [])
    recorder.start()

    eventually(lambda: RequestRow.objects.filter(pk=row.id).exists())
    recorder.stop()


@pytest.mark.django_db
def test_what_the_sweep_wrote_gives_way_to_the_calls_own_late_end() -> None:
    lost = _row(status="lost", charged_nano=9)
    save([Record(lost, [])])

    save([Record(_row(lost.id, charged_nano=7), [])])

    stored = RequestRow.objects.get()
    assert (stored.charged_nano, stored.status) == (7, "succeeded")


@pytest.mark.django_db
def test_a_provider_keys_use_is_counted() -> None:
    key = ProviderKey.objects.create(provider="openai", key_name="main")
    row = _row()
    used = {"provider_key_id": key.pk, "prompt_tokens": 30, "completion_tokens": 12, "cost_usd": Decimal("0.000000084")}
    attempts = [_attempt(row), _attempt(row, 2)]
    for attempt in attempts:
        for name, value in used.items():
            setattr(attempt, name, value)

    save([Record(row, attempts)])

    key.refresh_from_db()
    assert (key.requests_count, key.tokens_used) == (2, 84)
    assert key.cost_usd == Decimal("0.000000168")
    assert key.last_used == attempts[0].created_at


@pytest.mark.django_db(transaction=True)
def test_a_key_fills_the_table_with_no_more_refusals_than_so_many_a_minute() -> None:
    shown: list[UUID] = []
    recorder = Recorder(watch=lambda request, _: shown.append(request.id))
    other = _row(virtual_key_id=2, status="refused")
    for row in (*(_row(virtual_key_id=1, status="refused") for _ in range(refusals.MOST + 5)), other):
        recorder.put_refused(row)
    recorder.put(answered := _row(virtual_key_id=1), [])
    recorder.start()

    recorder.stop()

    assert len(shown) == refusals.MOST + 7
    assert RequestRow.objects.filter(virtual_key_id=1, status="refused").count() == refusals.MOST
    assert RequestRow.objects.filter(pk__in=[other.id, answered.id]).count() == 2


def test_a_minute_later_refusals_have_rows_again() -> None:
    now = 100.0
    counted = refusals.Refusals(clock=lambda: now)
    row = _row(virtual_key_id=1, status="refused")
    first = [counted.has_row(row) for _ in range(refusals.MOST + 1)]

    now += 60

    assert (first[-2:], counted.has_row(row)) == ([True, False], True)
