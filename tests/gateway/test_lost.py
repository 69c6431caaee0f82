"""Calls whose worker died between the end of their hold and their row: the row is made from the hold."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credits.ledger import book
from credits.ledger.moves import Capture, Held, Move, Reserve, Void
from credits.models import Hold
from gateway import records
from gateway.models import RequestRow
from gateway.recorder import Record, save
from gateway.records import time_of
from gateway.stored_receipts import receipt_of
from gateway.tasks import record_lost_calls
from gateway.usage.moved import Moved
from opscenter.core.ids import uuid7
from tests.gateway.people import key_of, person, wallet

pytestmark = pytest.mark.django_db


def ended(cost: int | None, *, basis: str, minutes_ago: float = 5) -> Hold:
    """A hold that its worker captured, or voided where there is no cost, and whose row was never written."""
    bob = person(f"bob{Hold.objects.count()}", credits_nano=1000)
    (held,) = book.apply([Reserve(uuid7(), wallet(bob).pk, key_of(bob).row.pk, 500, 500)])
    assert isinstance(held, Held)
    where = (held.hold_id, wallet(bob).pk, held.lease_epoch)
    end: Move = Void(*where, basis) if cost is None else Capture(*where, cost, basis)
    book.apply([end])
    closed_at = timezone.now() - timedelta(minutes=minutes_ago)
    Hold.objects.filter(pk=held.hold_id).update(closed_at=closed_at)
    return Hold.objects.get(pk=held.hold_id)


@pytest.mark.parametrize(
    ("cost", "basis", "charged", "told"),
    [(120, "provider", 120, "provider"), (70, "counted", 70, "counted"), (None, "abandoned", 0, "void")],
)
def test_a_call_that_ended_without_a_row_gets_one(cost: int | None, basis: str, charged: int, told: str) -> None:
    hold = ended(cost, basis=basis)

    assert record_lost_calls() == 1

    row = RequestRow.objects.get()
    assert (row.pk, row.created_at) == (hold.pk, time_of(hold.pk))
    assert (row.status, row.billing_basis, row.held_nano, row.charged_nano) == ("lost", told, 500, charged)
    assert (row.user_id, row.virtual_key_id) == (hold.account.user_id, hold.virtual_key_id)
    assert receipt_of(row).contradictions == ()


def test_a_lost_call_is_recorded_once() -> None:
    ended(120, basis="provider")

    assert [record_lost_calls(), record_lost_calls()] == [1, 0]


def test_a_row_that_is_there_stays() -> None:
    hold = ended(120, basis="provider")
    row = records.lost(hold, Moved(charged=120))
    row.status = RequestRow.Status.SUCCEEDED
    save([Record(row, [])])

    assert record_lost_calls() == 0
    assert RequestRow.objects.get().status == "succeeded"


def test_a_call_that_ended_just_now_is_left_to_its_own_worker() -> None:
    ended(120, basis="provider", minutes_ago=0.5)

    assert record_lost_calls() == 0


def test_an_open_hold_is_left_to_the_sweep() -> None:
    bob = person("bob", credits_nano=1000)
    book.apply([Reserve(uuid7(), wallet(bob).pk, None, 500, 500)])
    Hold.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    assert record_lost_calls() == 0


def test_calls_of_long_ago_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ended(120, basis="provider")
    monkeypatch.setattr("gateway.lost._LOOK_BACK", timedelta(0))

    assert record_lost_calls() == 0
