"""Ledgers with a guard taken away, which the machine's oracle must find out by the moves that need the guard."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from credits.ledger import closing, sql
from credits.ledger.budgets import LockedBudget
from credits.ledger.moves import Close
from credits.ledger.wallets import Wallet
from opscenter.core.ids import uuid7
from tests.proofs.figures import Figures
from tests.proofs.machine import LedgerMachine

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


def _replace(patch: pytest.MonkeyPatch, statement: str, guard: str, instead: str) -> None:
    unguarded = getattr(sql, statement).replace(guard, instead)
    assert unguarded != getattr(sql, statement)
    patch.setattr(sql, statement, unguarded)


# --- moves that need them ---


def two_settles(machine: LedgerMachine) -> None:
    hold_id = a_hold(machine)
    for _ in range(2):
        machine.capture(hold_id=hold_id, cost=5)


def two_reserves_of_everything(machine: LedgerMachine) -> None:
    machine.give(wallet=0, amount=10, key=None)
    for _ in range(2):
        machine.reserve(wallet=0, amount=10, minimum=10, caps=[])


def a_sweep_while_the_worker_lives(machine: LedgerMachine) -> None:
    machine.beat(hold_id=a_hold(machine), tokens=1, cost=5)
    machine.sweep()


def two_late_settles(machine: LedgerMachine) -> None:
    machine.outlive_the_sweep(hold_id=a_hold(machine), tokens=1, checkpoint=8, cost=3, times=2)


def a_late_settle(machine: LedgerMachine) -> None:
    machine.outlive_the_sweep(hold_id=a_hold(machine), tokens=1, checkpoint=8, cost=3, times=1)


def two_reserves_of_a_whole_budget(machine: LedgerMachine) -> None:
    machine.give(wallet=0, amount=20, key=None)
    for _ in range(2):
        machine.reserve(wallet=0, amount=10, minimum=10, caps=[10])


def a_reserve_from_a_frozen_wallet(machine: LedgerMachine) -> None:
    machine.give(wallet=0, amount=10, key=None)
    machine.freeze(wallet=0, frozen=True)
    machine.reserve(wallet=0, amount=10, minimum=10, caps=[])


def a_hold(machine: LedgerMachine) -> UUID:
    machine.give(wallet=0, amount=10, key=None)
    hold_id = machine.reserve(wallet=0, amount=10, minimum=10, caps=[])
    assert isinstance(hold_id, UUID)
    return hold_id


class Control(NamedTuple):
    without: Callable[[pytest.MonkeyPatch], None]
    moves: Callable[[LedgerMachine], None]


CONTROLS = (
    Control(settle_without_the_state, two_settles),
    Control(reserve_what_is_held_already, two_reserves_of_everything),
    Control(sweep_the_living, a_sweep_while_the_worker_lives),
    Control(settle_late_as_often_as_asked, two_late_settles),
    Control(keep_what_a_late_settle_gives_back, a_late_settle),
    Control(spend_budgets_twice, two_reserves_of_a_whole_budget),
    Control(ignore_the_frozen, a_reserve_from_a_frozen_wallet),
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


def play(moves: Callable[[LedgerMachine], None]) -> None:
    machine = LedgerMachine()
    try:
        moves(machine)
        machine.books_agree()
    finally:
        machine.teardown()


def _words(function: Callable[..., None]) -> str:
    return function.__name__.replace("_", " ")
