"""Request rows go to the partition of their month on PostgreSQL; on SQLite there are none, and nothing to do."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from gateway.models import RequestRow
from gateway.partitions import TABLES, make_partitions
from gateway.tasks import make_partitions as task
from opscenter.core.ids import uuid7

pytestmark = pytest.mark.django_db


def _stored(created_at: datetime) -> tuple[UUID, str | None]:
    """A new row's id, and the partition that took it (None on SQLite)."""
    row = RequestRow(id=uuid7(), created_at=created_at, endpoint="x", status="succeeded", billing_basis="free")
    RequestRow.objects.bulk_create([row])
    if connection.vendor != "postgresql":
        return row.pk, None
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM llm_requests WHERE id = %s", [row.pk])
        return row.pk, str(cursor.fetchone()[0])


def _on_postgres(name: str) -> str | None:
    return name if connection.vendor == "postgresql" else None


def test_todays_row_goes_to_this_months_partition() -> None:
    now = timezone.now()

    assert _stored(now)[1] == _on_postgres(f"llm_requests_{now:%Y_%m}")


def test_the_month_ends_with_its_last_microsecond_in_utc() -> None:
    first = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (first + timedelta(days=32)).replace(day=1)

    assert _stored(after - timedelta(microseconds=1))[1] == _on_postgres(f"llm_requests_{first:%Y_%m}")
    assert _stored(after)[1] == _on_postgres(f"llm_requests_{after:%Y_%m}")


@pytest.mark.parametrize("year", [1999, 2099])
def test_a_row_of_no_known_month_is_kept_too(year: int) -> None:
    pk, partition = _stored(datetime(year, 5, 1, tzinfo=UTC))

    assert partition == _on_postgres("llm_requests_default")
    assert RequestRow.objects.filter(pk=pk).exists()


def test_partitions_are_there_after_migrating_and_made_once() -> None:
    assert make_partitions() == []
    assert task() == []


def test_the_months_ahead_are_made_as_asked() -> None:
    made = make_partitions(months_ahead=4)

    assert len(made) == (2 * len(TABLES) if connection.vendor == "postgresql" else 0)
    assert make_partitions(months_ahead=4) == []


def test_rows_of_a_month_without_a_partition_do_not_stop_the_making_of_others() -> None:
    far = timezone.now() + timedelta(days=400)
    _stored(far)

    made = make_partitions(months_ahead=15)

    if connection.vendor == "postgresql":
        assert f"llm_attempts_{far:%Y_%m}" in made
        assert f"llm_requests_{far:%Y_%m}" not in made
