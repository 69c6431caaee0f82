"""All moves in any order against an oracle in plain Python; ledgers with a guard taken away, which it must find."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from credits.ledger import book, closing, sql
from credits.ledger.budgets import LockedBudget
from credits.ledger.moves import Close
from credits.ledger.postings import Wallet
from opscenter.core.ids import uuid7
from tests.proofs.figures import Figures
from tests.proofs.machine import LedgerMachine

TITLE = "All moves in any order, against an oracle in plain Python"
STEPS = 40


def run(figures: Figures, *, examples: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> int:
    """Runs the machine; how many steps it made, those of the last examples included."""
    counted: list[int] = []

    class Counting(LedgerMachine):
        def check_invariants(self, *arguments: Any, **more: Any) -> None:
            counted.append(1)
            super().check_invariants(*arguments, **more)

    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(seed(figures.seed)(Counting), settings=options)
    return len(counted)


@pytest.mark.proof(8, TITLE)
@pytest.mark.django_db
def test_any_order_of_moves_agrees_with_the_oracle(figures: Figures) -> None:
    examples = figures.times(reduced=30, whole=500)
    steps = run(figures, examples=examples)
    figures.saw("examples, of up to 40 moves each", examples)
    figures.saw("times that all books were compared with the oracle's", steps)
    figures.saw("differences, problems found by the checker", 0)


def settle_without_the_state(patch: pytest.MonkeyPatch) -> None:
    """A hold can be ended as often as one likes."""
    unguarded = sql.CLOSE_HOLDS.replace("AND state = 'HELD' AND lease_epoch = epoch", "")
    assert unguarded != sql.CLOSE_HOLDS
    patch.setattr(sql, "CLOSE_HOLDS", unguarded)


def reserve_what_is_held_already(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Wallet, "available", property(lambda wallet: wallet.posted))


def sweep_the_living(patch: pytest.MonkeyPatch) -> None:
    for name in ("STALE_HOLDS", "READ_STALE"):
        unguarded = getattr(sql, name).replace(
            "heartbeat_at < {ago}", "(heartbeat_at < {ago} OR heartbeat_at IS NOT NULL)"
        )
        assert unguarded != getattr(sql, name)
        patch.setattr(sql, name, unguarded)


def adjust_as_often_as_asked(patch: pytest.MonkeyPatch) -> None:
    """A late settle isn't told from its repetition: each has a key of its own."""
    late = closing.Closing._late

    def forgetful(self: closing.Closing, move: Close, key: str, *rest: Any) -> int:
        return late(self, move, f"{key}:{uuid7()}", *rest)

    patch.setattr(closing.Closing, "_late", forgetful)


def spend_budgets_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LockedBudget, "left", property(lambda budget: max(0, budget.cap - budget.spent)))


def ignore_the_frozen(patch: pytest.MonkeyPatch) -> None:
    lock = book._lock

    def thawed(*arguments: Any) -> dict[int, Wallet]:
        wallets = lock(*arguments)
        for wallet in wallets.values():
            wallet.frozen = False
        return wallets

    patch.setattr(book, "_lock", thawed)


def keep_what_a_late_settle_gives_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(closing.Closing, "_late", lambda self, move, key, paid, who, is_budgeted: paid)


GUARDS: tuple[Callable[[pytest.MonkeyPatch], None], ...] = (
    settle_without_the_state,
    reserve_what_is_held_already,
    sweep_the_living,
    adjust_as_often_as_asked,
    spend_budgets_twice,
    ignore_the_frozen,
    keep_what_a_late_settle_gives_back,
)


@pytest.mark.proof(8, TITLE)
@pytest.mark.django_db
@pytest.mark.parametrize("without", GUARDS, ids=lambda without: without.__name__)
def test_a_ledger_without_one_of_its_guards_is_found_out(
    without: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    without(monkeypatch)
    with pytest.raises(Exception) as found:  # noqa: PT011 - an assertion of the machine, or a refusal of the database
        run(figures, examples=300, phases=(Phase.generate,))
    figures.saw_without_the_guard(without.__name__.replace("_", " "), f"found ({found.type.__name__})")
