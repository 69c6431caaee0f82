"""A hold ends once; the consumer pays the true cost, at most what was held."""

import pytest

from credits import checker
from credits.ledger import book
from credits.ledger.moves import Broken, Capture, Closed
from credits.models import Account, Entry, Hold, Journal
from credits.services import sweep
from opscenter.core.ids import uuid7
from tests.credits.ledger import (
    a_capture,
    balance,
    capture,
    deliver,
    forget,
    held,
    system_sum,
    void,
)


def test_capture_charges_the_cost_and_releases_the_rest(funded: Account) -> None:
    hold_id = held(funded, 600)
    assert capture(hold_id, 250) == Closed(won=True, captured=250)
    assert balance(funded) == (750, 0)
    journal = Journal.objects.get(idempotency_key=f"usage:{hold_id}")
    assert (journal.kind, journal.reason, journal.actor) == ("usage", "provider", "key:7")
    entry = journal.entries.get(account=funded)
    assert (entry.amount, entry.version, entry.balance_after) == (-250, 2, 750)
    assert (entry.model, entry.provider, entry.tokens) == ("m1", "local", 30)
    assert system_sum("revenue") == 250


def test_what_exceeds_the_hold_is_the_operators(funded: Account) -> None:
    assert capture(held(funded, 600), 900) == Closed(won=True, captured=600)
    assert balance(funded) == (400, 0)
    assert (system_sum("revenue"), system_sum("expense:overrun")) == (900, -300)
    assert checker.check() == []


def test_capture_of_nothing_writes_no_journal(funded: Account) -> None:
    hold_id = held(funded, 600)
    assert capture(hold_id, 0) == Closed(won=True, captured=0)
    assert not Journal.objects.filter(idempotency_key=f"usage:{hold_id}").exists()
    assert Hold.objects.get(pk=hold_id).state == "CAPTURED"


def test_void_gives_everything_back(funded: Account) -> None:
    assert void(held(funded, 600)) == Closed(won=True, captured=0)
    assert balance(funded) == (1000, 0)


def test_upstream_fault_costs_the_operator_only(funded: Account) -> None:
    hold_id = held(funded, 600)
    assert void(hold_id, upstream_expense=80).won
    assert balance(funded) == (1000, 0)
    assert (system_sum("expense:upstream"), system_sum("revenue")) == (-80, 80)
    assert Journal.objects.get(idempotency_key=f"expense:{hold_id}").kind == "upstream_expense"
    assert checker.check() == []


def test_second_settle_changes_nothing_and_learns_what_stands(funded: Account) -> None:
    hold_id = held(funded, 600)
    capture(hold_id, 250)
    assert capture(hold_id, 100) == Closed(won=False, captured=250)
    assert void(hold_id) == Closed(won=False, captured=250)
    assert balance(funded) == (750, 0)


def test_one_of_two_settles_in_a_batch_wins(funded: Account) -> None:
    hold_id = held(funded, 600)
    outcomes = book.apply([a_capture(hold_id, 250), a_capture(hold_id, 300)])
    assert outcomes == [Closed(won=True, captured=250), Closed(won=False, captured=250)]
    assert balance(funded) == (750, 0)


def test_settle_with_another_lease_epoch_ends_nothing(funded: Account) -> None:
    hold_id = held(funded, 600)
    assert capture(hold_id, 250, epoch=2) == Closed(won=False, captured=0)
    assert Hold.objects.get(pk=hold_id).is_open


def test_settle_of_an_unknown_hold_is_a_no_op(funded: Account) -> None:
    assert book.apply([Capture(uuid7(), funded.pk, 1, 5, "provider")]) == [Closed(won=False, captured=0)]


@pytest.mark.parametrize("cost", [-1, 2**63])
def test_impossible_cost_is_refused_alone(funded: Account, cost: int) -> None:
    good, bad = held(funded, 100), held(funded, 100)
    outcomes = book.apply([a_capture(bad, cost), a_capture(good, 40)])
    assert isinstance(outcomes[0], Broken)
    assert outcomes[1] == Closed(won=True, captured=40)


def swept_at(account: Account, checkpoint: int) -> "Hold":
    hold_id = held(account, 600)
    deliver(hold_id, 10, checkpoint)
    forget(hold_id)
    (hold,) = sweep.sweep()
    return hold


def test_lower_cost_after_the_sweep_comes_back_once(funded: Account) -> None:
    hold = swept_at(funded, 300)
    assert balance(funded) == (700, 0)
    for _ in range(2):
        assert capture(hold.pk, 120) == Closed(won=False, captured=120)
    assert capture(hold.pk, 10) == Closed(won=False, captured=120)
    assert balance(funded) == (880, 0)
    assert Journal.objects.filter(idempotency_key=f"adj:{hold.pk}:1").count() == 1
    assert checker.check() == []


def test_higher_cost_after_the_sweep_is_the_operators(funded: Account) -> None:
    hold = swept_at(funded, 300)
    for _ in range(2):
        assert capture(hold.pk, 450) == Closed(won=False, captured=300)
    assert balance(funded) == (700, 0)
    assert (system_sum("revenue"), system_sum("expense:overrun")) == (450, -150)
    assert checker.check() == []


def test_upstream_fault_after_the_sweep_gives_everything_back(funded: Account) -> None:
    hold = swept_at(funded, 300)
    for _ in range(2):
        assert void(hold.pk, upstream_expense=20) == Closed(won=False, captured=0)
    assert balance(funded) == (1000, 0)
    assert system_sum("expense:upstream") == -20
    assert checker.check() == []


def test_late_settles_of_one_batch_adjust_once(funded: Account) -> None:
    hold = swept_at(funded, 300)
    outcomes = book.apply([a_capture(hold.pk, 120), a_capture(hold.pk, 120)])
    assert outcomes == [Closed(won=False, captured=120)] * 2
    assert Entry.objects.filter(account=funded).count() == 3


def test_upstream_fault_after_the_sweep_found_nothing_is_expensed_once(funded: Account) -> None:
    hold_id = held(funded, 600)
    forget(hold_id)
    sweep.sweep()
    for _ in range(2):
        assert void(hold_id, upstream_expense=20) == Closed(won=False, captured=0)
    assert (balance(funded), system_sum("expense:upstream")) == ((1000, 0), -20)
    assert checker.check() == []
