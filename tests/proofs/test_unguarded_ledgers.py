"""Ledgers with a guard taken away, which the machine's oracle must find out by the moves that need the guard."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from credits.ledger import closing, sql
from credits.ledger.budgets import LockedBudget
from credits.ledger.lots import Lots
from credits.ledger.moves import Close, Post, Posted
from credits.ledger.postings import Postings
from credits.ledger.wallets import Wallet
from credits.models import Reversal
from opscenter.core.ids import uuid7
from tests.proofs.figures import Figures
from tests.proofs.money_machine import MoneyMachine

# --- guards ---


def settle_without_the_state(patch: pytest.MonkeyPatch) -> None:
    """A hold can be ended as often as one likes."""
    _replace(patch, "CLOSE_HOLDS", "AND state || '' = 'HELD' AND lease_epoch = epoch", "")


def reserve_what_is_held_already(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Wallet, "available", property(lambda wallet: wallet.posted))


def sweep_the_living(patch: pytest.MonkeyPatch) -> None:
    for name in ("STALE_HOLDS", "READ_STALE"):
        _replace(patch, name, "heartbeat_at < {ago}", "(heartbeat_at < {ago} OR heartbeat_at IS NOT NULL)")


def settle_late_as_often_as_asked(patch: pytest.MonkeyPatch) -> None:
    """A late settle isn't told from its repetition: each has a key of its own."""
    late = closing.Closing._late

    def forgetful(self: closing.Closing, move: Close, key: str, *rest: Any) -> int:
        return late(self, move, f"{key}:{uuid7()}", *rest)

    patch.setattr(closing.Closing, "_late", forgetful)


def keep_what_a_late_settle_gives_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(closing.Closing, "_late", lambda self, move, key, paid, who, budgets: paid)


def spend_budgets_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LockedBudget, "left", property(lambda budget: max(0, budget.cap - budget.spent)))


def ignore_the_frozen(patch: pytest.MonkeyPatch) -> None:
    _replace(patch, "LOCK_WALLETS", "entries_count, status", "entries_count, 'active'")


def spend_lots_last(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lots, "use", lambda self, wallet, key, amount, since: self.take(wallet, key, amount))


def let_nothing_expire(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Postings, "expire", lambda self, wallet: 0)


def have_expire_what_a_call_needs(patch: pytest.MonkeyPatch) -> None:
    _replace(patch, "READ_LOTS", "{kept}", "0")


def keep_for_new_calls_what_expired(patch: pytest.MonkeyPatch) -> None:
    _replace(patch, "READ_BEGINNINGS", "created_at", "'2000-01-01 00:00:00+00:00'")


def give_back_to_no_lot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lots, "give_back", lambda self, *rest, **more: None)


def reserve_in_spite_of_a_debt(patch: pytest.MonkeyPatch) -> None:
    _replace(patch, "LOCK_WALLETS", "status, debt", "status, 0")


def let_debts_wait(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Postings, "pay_debt", lambda self, wallet: None)


def pay_no_debt_from_what_comes_in(patch: pytest.MonkeyPatch) -> None:
    post = Postings.post

    def generous(self: Postings, wallet: Wallet, move: Post) -> Posted:
        wallet.debt, owed = (0, wallet.debt) if move.amount > 0 else (wallet.debt, 0)
        posted = post(self, wallet, move)
        wallet.debt += owed
        return posted

    patch.setattr(Postings, "post", generous)


def _replace(patch: pytest.MonkeyPatch, statement: str, guard: str, instead: str) -> None:
    unguarded = getattr(sql, statement).replace(guard, instead)
    assert unguarded != getattr(sql, statement)
    patch.setattr(sql, statement, unguarded)


# --- moves that need them ---


def two_settles(machine: MoneyMachine) -> None:
    hold_id = a_hold(machine)
    for _ in range(2):
        machine.capture(hold_id=hold_id, cost=5)


def two_reserves_of_everything(machine: MoneyMachine) -> None:
    machine.give(wallet=0, amount=10, key=None)
    for _ in range(2):
        machine.reserve(wallet=0, amount=10, minimum=10, caps=[])


def a_sweep_while_the_worker_lives(machine: MoneyMachine) -> None:
    machine.beat(hold_id=a_hold(machine), tokens=1, cost=5)
    machine.sweep()


def two_late_settles(machine: MoneyMachine) -> None:
    machine.outlive_the_sweep(hold_id=a_hold(machine), tokens=1, checkpoint=8, cost=3, times=2)


def a_late_settle(machine: MoneyMachine) -> None:
    machine.outlive_the_sweep(hold_id=a_hold(machine), tokens=1, checkpoint=8, cost=3, times=1)


def two_reserves_of_a_whole_budget(machine: MoneyMachine) -> None:
    machine.give(wallet=0, amount=20, key=None)
    for _ in range(2):
        machine.reserve(wallet=0, amount=10, minimum=10, caps=[10])


def a_reserve_from_a_frozen_wallet(machine: MoneyMachine) -> None:
    machine.give(wallet=0, amount=10, key=None)
    machine.freeze(wallet=0, frozen=True)
    machine.reserve(wallet=0, amount=10, minimum=10, caps=[])


def a_call_paid_by_a_lot(machine: MoneyMachine) -> None:
    machine.give(wallet=0, amount=10, key=None)
    machine.grant_for_a_while(wallet=0, amount=10, hours=1)
    machine.capture(hold_id=machine.reserve(wallet=0, amount=10, minimum=10, caps=[]), cost=5)


def a_lot_whose_time_is_over(machine: MoneyMachine) -> None:
    machine.grant_for_a_while(wallet=0, amount=10, hours=1)
    machine.pass_time(hours=1)
    machine.reserve(wallet=0, amount=10, minimum=10, caps=[])


def a_call_over_an_expiry(machine: MoneyMachine) -> None:
    machine.grant_for_a_while(wallet=0, amount=10, hours=1)
    machine.give(wallet=0, amount=10, key=None)
    hold_id = machine.reserve(wallet=0, amount=10, minimum=10, caps=[])
    machine.pass_time(hours=1)
    machine.capture(hold_id=machine.reserve(wallet=0, amount=10, minimum=10, caps=[]), cost=5)
    machine.capture(hold_id=hold_id, cost=5)


def a_late_settle_of_a_lot(machine: MoneyMachine) -> None:
    machine.settle_late_of_a_lot(wallet=0, checkpoint=700, cost=3)


def a_free_call_of_somebody_who_owes(machine: MoneyMachine) -> None:
    machine.take_back(purchase=all_spent(machine), kind=Reversal.Kind.DISPUTE, cents=100)
    machine.reserve(wallet=0, amount=0, minimum=0, caps=[])


def a_call_that_leaves_something_to_somebody_who_owes(machine: MoneyMachine) -> None:
    purchase = machine.bought_by(0, 10)
    hold_id = machine.reserve(wallet=0, amount=10, minimum=10, caps=[])
    machine.take_back(purchase=purchase, kind=Reversal.Kind.REFUND, cents=100)
    machine.void(hold_id=hold_id, expense=0)


def credits_for_somebody_who_owes(machine: MoneyMachine) -> None:
    machine.take_back(purchase=all_spent(machine), kind=Reversal.Kind.REFUND, cents=100)
    machine.buy(wallet=0, amount=5)


def all_spent(machine: MoneyMachine) -> UUID:
    purchase = machine.bought_by(0, 10)
    machine.capture(hold_id=machine.reserve(wallet=0, amount=10, minimum=10, caps=[]), cost=10)
    return purchase


def a_hold(machine: MoneyMachine) -> UUID:
    machine.give(wallet=0, amount=10, key=None)
    hold_id = machine.reserve(wallet=0, amount=10, minimum=10, caps=[])
    assert isinstance(hold_id, UUID)
    return hold_id


class Control(NamedTuple):
    without: Callable[[pytest.MonkeyPatch], None]
    moves: Callable[[MoneyMachine], None]


CONTROLS = (
    Control(settle_without_the_state, two_settles),
    Control(reserve_what_is_held_already, two_reserves_of_everything),
    Control(sweep_the_living, a_sweep_while_the_worker_lives),
    Control(settle_late_as_often_as_asked, two_late_settles),
    Control(keep_what_a_late_settle_gives_back, a_late_settle),
    Control(spend_budgets_twice, two_reserves_of_a_whole_budget),
    Control(ignore_the_frozen, a_reserve_from_a_frozen_wallet),
    Control(spend_lots_last, a_call_paid_by_a_lot),
    Control(let_nothing_expire, a_lot_whose_time_is_over),
    Control(have_expire_what_a_call_needs, a_call_over_an_expiry),
    Control(keep_for_new_calls_what_expired, a_call_over_an_expiry),
    Control(give_back_to_no_lot, a_late_settle_of_a_lot),
    Control(reserve_in_spite_of_a_debt, a_free_call_of_somebody_who_owes),
    Control(let_debts_wait, a_call_that_leaves_something_to_somebody_who_owes),
    Control(pay_no_debt_from_what_comes_in, credits_for_somebody_who_owes),
)


@pytest.mark.proof(8, "All moves in any order, against an oracle in plain Python")
@pytest.mark.django_db
def test_a_ledger_without_one_of_its_guards_is_found_out(monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    for control in CONTROLS:
        play(control.moves)
        with monkeypatch.context() as patch:
            control.without(patch)
            with pytest.raises(AssertionError) as found:
                play(control.moves)
        by = dict.fromkeys(frame.name for frame in found.traceback if str(frame.path).endswith("machine.py"))
        figures.saw_without_the_guard(_words(control.without), f"found out by {_words(control.moves)}: {', '.join(by)}")


def play(moves: Callable[[MoneyMachine], None]) -> None:
    machine = MoneyMachine()
    try:
        moves(machine)
        machine.books_agree()
    finally:
        machine.teardown()


def _words(function: Callable[..., None]) -> str:
    return function.__name__.replace("_", " ")
