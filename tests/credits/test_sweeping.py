"""The holds of dead workers end; those of living ones stay."""

import pytest

from credits import checker
from credits.models import Account, Hold
from credits.services import sweep
from tests.credits.conftest import Give
from tests.credits.ledger import balance, capture, deliver, forget, held, in_threads


def test_nothing_delivered_is_voided(alice: Account, give: Give) -> None:
    give(alice, "0.000001")
    hold_id = held(alice, 600)
    forget(hold_id)
    (hold,) = sweep.sweep()
    assert (hold.pk, hold.state, hold.basis, hold.captured) == (hold_id, "VOIDED", "nothing_delivered", None)
    assert hold.lease_epoch == 2
    assert balance(alice) == (1000, 0)


def test_last_checkpoint_is_captured(alice: Account, give: Give) -> None:
    give(alice, "0.000001")
    hold_id = held(alice, 600)
    deliver(hold_id, 10, 200)
    deliver(hold_id, 12, 240)
    forget(hold_id)
    (hold,) = sweep.sweep()
    assert (hold.state, hold.basis, hold.captured, hold.delivered_tokens) == (
        "CAPTURED",
        "checkpoint",
        240,
        12,
    )
    assert hold.dispatched_at is not None
    assert balance(alice) == (760, 0)
    assert checker.check() == []


def test_checkpoint_above_the_hold_captures_the_hold(alice: Account, give: Give) -> None:
    give(alice, "0.000001")
    hold_id = held(alice, 600)
    deliver(hold_id, 99, 9_000)
    forget(hold_id)
    (hold,) = sweep.sweep()
    assert hold.captured == 600
    assert checker.check() == []


def test_living_and_ended_holds_are_left_alone(alice: Account, give: Give) -> None:
    give(alice, "0.000001")
    living, ended, young = held(alice, 100), held(alice, 100), held(alice, 100)
    capture(ended, 50)
    for hold_id in (living, ended):
        forget(hold_id)
    deliver(living, 1, 1)
    forget(young, seconds=30)
    assert sweep.sweep() == []
    assert Hold.objects.open().count() == 2


def test_heartbeats_never_take_progress_back(alice: Account, give: Give) -> None:
    give(alice, "0.000001")
    hold_id = held(alice, 600)
    deliver(hold_id, 10, 200)
    deliver(hold_id, 3, 60)
    hold = Hold.objects.get(pk=hold_id)
    assert (hold.delivered_tokens, hold.checkpoint_amount) == (10, 200)


@pytest.mark.django_db(transaction=True)
def test_sweeps_side_by_side_end_each_hold_once(alice: Account, give: Give) -> None:
    give(alice, "0.001")
    ids = [held(alice, 1000) for _ in range(60)]
    for hold_id in ids:
        deliver(hold_id, 5, 10)
        forget(hold_id)
    swept = [hold.pk for holds in in_threads([sweep.sweep] * 4) for hold in holds]
    assert sorted(swept) == sorted(ids)
    assert balance(alice) == (10**6 - 600, 0)
    assert checker.check() == []
