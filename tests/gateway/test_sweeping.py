"""The calls of dead workers: ended, and told of once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from credits import checker
from credits.ledger import book
from credits.ledger.moves import Beat, Held, Reserve
from credits.models import Hold
from gateway.models import RequestRow
from gateway.records import time_of
from gateway.stored_receipts import receipt_of
from gateway.tasks import sweep_holds
from opscenter.core.ids import uuid7
from tests.gateway.people import key_of, person, wallet

pytestmark = pytest.mark.django_db


def _orphan(*, delivered: int = 0, checkpoint: int = 0) -> Held:
    """The hold of a call whose worker died a while ago."""
    bob = person(f"bob{Hold.objects.count()}", credits_nano=1000)
    key = key_of(bob).row
    (held,) = book.apply([Reserve(uuid7(), wallet(bob).pk, key.pk, 500, 500)])
    assert isinstance(held, Held)
    if delivered:
        book.beat([Beat(held.hold_id, delivered, checkpoint, timezone.now())])
    Hold.objects.filter(pk=held.hold_id).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    return held


def test_a_lost_call_without_output_is_free_and_told() -> None:
    held = _orphan()

    assert sweep_holds() == 1

    row = RequestRow.objects.get()
    hold = Hold.objects.get()
    assert (row.pk, row.created_at) == (held.hold_id, time_of(held.hold_id))
    assert (row.status, row.error_code, row.billing_basis) == ("lost", "worker_died", "void")
    assert (row.held_nano, row.charged_nano) == (500, 0)
    assert (row.account_id, row.virtual_key_id) == (hold.account_id, hold.virtual_key_id)
    assert row.user_id == hold.account.user_id
    assert (receipt_of(row).due_nano, receipt_of(row).contradictions) == (0, ())


def test_a_lost_call_with_output_costs_its_last_checkpoint() -> None:
    _orphan(delivered=30, checkpoint=120)

    sweep_holds()

    row = RequestRow.objects.get()
    assert (row.billing_basis, row.charged_nano, row.completion_tokens) == ("checkpoint", 120, 30)
    assert (receipt_of(row).due_nano, receipt_of(row).contradictions) == (120, ())
    assert list(checker.check()) == []


def test_a_lost_call_is_told_once() -> None:
    _orphan()

    assert [sweep_holds(), sweep_holds(), sweep_holds()] == [1, 0, 0]

    assert RequestRow.objects.count() == 1


def test_a_living_call_is_left_alone() -> None:
    held = _orphan()
    book.beat([Beat(held.hold_id, 0, 0)])

    assert sweep_holds() == 0
    assert not RequestRow.objects.exists()


def test_many_lost_calls_are_ended_together() -> None:
    for _ in range(5):
        _orphan()

    assert sweep_holds() == 5
    assert RequestRow.objects.filter(status="lost").count() == 5
