"""A budget limits what one spender uses up in one window, to the nanocredit, whatever the wallet holds."""

from dataclasses import replace
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits import checker
from credits.amounts import LARGEST
from credits.ledger import book
from credits.ledger.moves import Broken, BudgetCap, Held, Move, Outcome, Refused, Void
from credits.models import Account, Budget, BudgetMark, HoldBudget
from credits.services import sweep
from tests.credits.conftest import Give
from tests.credits.ledger import a_capture, a_reserve, balance, capture, deliver, forget, held, reserve, void

NOVEMBER = "2026-11"
_TABLES = ("llm_credits", "llm_transactions", "credits_journals", "credits_holds", "_budgets", "budget_marks")


def a_cap(cap_nano: int, *, scope: str = "key", window: str = NOVEMBER) -> BudgetCap:
    return BudgetCap(scope, 7, window, cap_nano)


def use(window: str = NOVEMBER, scope: str = "key") -> tuple[int, int, int]:
    """(cap, spent, held) as they are stored."""
    return Budget.objects.values_list("cap", "spent", "held").get(scope=scope, scope_id=7, window=window)


def test_hold_is_refused_when_its_budget_is_short(funded: Account) -> None:
    cap = a_cap(300)
    held(funded, 200, budgets=(cap,))
    assert reserve(funded, 101, budgets=(cap,)) == Refused("budget", 100, cap)
    assert isinstance(reserve(funded, 100, budgets=(cap,)), Held)
    assert (use(), balance(funded)) == ((300, 0, 300), (1000, 300))


def test_hold_takes_what_its_budget_has_left_down_to_its_minimum(funded: Account) -> None:
    outcome = reserve(funded, 500, minimum=100, budgets=(a_cap(300),))
    assert isinstance(outcome, Held)
    assert (outcome.amount, use()) == (300, (300, 0, 300))


def test_who_is_short_of_credits_is_told_so_and_not_of_the_budget(funded: Account) -> None:
    assert reserve(funded, 2000, budgets=(a_cap(1500),)) == Refused("insufficient", 1000)
    assert reserve(funded, 2000, budgets=(a_cap(999),)) == Refused("budget", 999, a_cap(999))


def test_tightest_of_several_budgets_rules(funded: Account) -> None:
    day, month = a_cap(100, window="2026-11-21"), a_cap(300)
    held(funded, 80, budgets=(month, day))
    assert reserve(funded, 21, budgets=(month, day)) == Refused("budget", 20, day)
    assert (use(), use("2026-11-21")) == ((300, 0, 80), (100, 0, 80))


def test_each_window_and_scope_has_a_budget_of_its_own(funded: Account) -> None:
    for cap in (a_cap(100), a_cap(100, window="2026-12"), a_cap(100, scope="team")):
        assert isinstance(reserve(funded, 100, budgets=(cap,)), Held)
    assert Budget.objects.count() == 3


def test_newest_cap_rules_even_below_what_is_spent(funded: Account) -> None:
    capture(held(funded, 200, budgets=(a_cap(300),)), 200)
    assert reserve(funded, 1, budgets=(a_cap(150),)) == Refused("budget", 0, a_cap(150))
    assert use() == (150, 200, 0)
    assert isinstance(reserve(funded, 200, budgets=(a_cap(400),)), Held)


def test_capture_spends_the_cost_and_releases_the_rest(funded: Account) -> None:
    capture(held(funded, 200, budgets=(a_cap(300),)), 50)
    assert use() == (300, 50, 0)


def test_overrun_spends_what_was_held(funded: Account) -> None:
    capture(held(funded, 200, budgets=(a_cap(300),)), 900)
    assert use() == (300, 200, 0)


def test_void_spends_nothing(funded: Account) -> None:
    void(held(funded, 200, budgets=(a_cap(300),)), upstream_expense=20)
    assert use() == (300, 0, 0)


def test_second_settle_spends_nothing_more(funded: Account) -> None:
    hold_id = held(funded, 200, budgets=(a_cap(300),))
    for _ in range(2):
        capture(hold_id, 50)
    void(hold_id)
    assert use() == (300, 50, 0)


def swept(account: Account, checkpoint: int) -> UUID:
    hold_id = held(account, 200, budgets=(a_cap(300),))
    if checkpoint:
        deliver(hold_id, 10, checkpoint)
    forget(hold_id)
    sweep.sweep()
    return hold_id


@pytest.mark.parametrize("checkpoint", [0, 120])
def test_sweep_spends_the_checkpoint(funded: Account, checkpoint: int) -> None:
    swept(funded, checkpoint)
    assert use() == (300, checkpoint, 0)


@pytest.mark.parametrize(("cost", "spent"), [(50, 50), (0, 0), (170, 120)])
def test_late_settle_gives_the_budget_back_what_the_wallet_gets_back(funded: Account, cost: int, spent: int) -> None:
    hold_id = swept(funded, 120)
    for _ in range(2):
        capture(hold_id, cost)
    book.apply([a_capture(hold_id, cost)] * 2)
    assert (use(), balance(funded)) == ((300, spent, 0), (1000 - spent, 0))
    assert checker.check() == []


@pytest.mark.parametrize("mode", ["free", "byok"])
def test_what_costs_nothing_counts_against_no_budget(funded: Account, mode: str) -> None:
    capture(held(funded, 100, budgets=(a_cap(100),)), 100)
    capture(held(funded, 0, mode=mode, budgets=(a_cap(50),)), 0)
    assert use() == (100, 100, 0)
    assert HoldBudget.objects.count() == 1


def test_one_batch_ends_holds_before_it_counts_new_ones(funded: Account) -> None:
    cap = a_cap(100)
    hold_id = held(funded, 100, budgets=(cap,))
    outcomes = book.apply([a_reserve(funded, 100, budgets=(cap,)), Void(hold_id, funded.pk, 1, "unused")])
    assert isinstance(outcomes[0], Held)
    assert use() == (100, 0, 100)


def test_a_batch_shares_out_a_budget_in_order(funded: Account, bob: Account, give: Give) -> None:
    give(bob, "1")
    cap = a_cap(250)
    outcomes = book.apply([a_reserve(account, 100, budgets=(cap,)) for account in (bob, funded, bob)])
    assert outcomes[2] == Refused("budget", 50, cap)
    assert use() == (250, 0, 200)


@pytest.mark.parametrize(
    "cap", [a_cap(-1), a_cap(LARGEST + 1), a_cap(1)._replace(scope_id=2**70)], ids=["negative", "vast", "unheard of"]
)
def test_impossible_budget_is_refused_alone(funded: Account, cap: BudgetCap) -> None:
    good = a_cap(300)
    moves = [a_reserve(funded, 100, budgets=(good,)), a_reserve(funded, 0, budgets=(cap,))]
    outcomes = book.apply([*moves, a_reserve(funded, 100, budgets=(good,))])
    assert [type(outcome) for outcome in outcomes] == [Held, Broken, Held]
    assert (use(), Budget.objects.count()) == ((300, 0, 200), 1)


def statements(*moves: Move) -> tuple[list[Outcome], int]:
    """The outcomes, and how many statements they took; savepoints and commits aside."""
    with CaptureQueriesContext(connection) as queries:
        outcomes = book.apply(moves)
    return outcomes, sum(any(table in query["sql"] for table in _TABLES) for query in queries)


def test_calls_without_a_budget_take_no_statement_but_to_look_for_those_of_what_ends(funded: Account) -> None:
    outcomes, reserving = statements(*[a_reserve(funded, 100) for _ in range(4)])
    holds = [outcome.hold_id for outcome in outcomes if isinstance(outcome, Held)]
    _, settling = statements(a_capture(holds[0], 50), a_capture(holds[1], 60))
    _, both = statements(a_capture(holds[2], 50), a_reserve(funded, 100))
    # Lock wallets, update wallets, insert holds; lock wallets and budgets, close, insert journals and entries, update
    # wallets.
    assert (reserving, settling, both) == (3, 6, 7)


def test_what_a_hold_counts_against_is_not_looked_for_where_its_reserve_has_told(funded: Account) -> None:
    plain, counted = statements(a_reserve(funded, 100), a_reserve(funded, 200, budgets=(a_cap(300),)))[0]
    assert isinstance(plain, Held) and isinstance(counted, Held)
    _, settling = statements(replace(a_capture(plain.hold_id, 50), budgets=plain.budgets))
    # Lock wallets, close, insert journals and entries, update wallets.
    assert (plain.budgets, settling) == ((), 5)

    assert len(counted.budgets) == 1
    book.apply([replace(a_capture(counted.hold_id, 120), budgets=counted.budgets)])
    assert use() == (300, 120, 0)


def test_statements_for_budgets_do_not_grow_with_the_batch(funded: Account) -> None:
    caps = (a_cap(900), a_cap(900, window="2026-11-21"))
    outcomes, reserving = statements(*[a_reserve(funded, 100, budgets=caps) for _ in range(8)])
    holds = [outcome.hold_id for outcome in outcomes if isinstance(outcome, Held)]
    _, settling = statements(*[a_capture(hold_id, 50) for hold_id in holds[:4]])
    _, both = statements(a_capture(holds[4], 50), a_reserve(funded, 100, budgets=caps))
    # Beside the above: make, lock and update budgets, link holds; lock and update budgets.
    assert (reserving, settling, both) == (7, 7, 10)


def test_a_charge_past_a_mark_costs_a_statement_and_those_after_it_none(funded: Account) -> None:
    holds = [held(funded, 30, budgets=(a_cap(200),)) for _ in range(6)]
    taken = [statements(a_capture(hold_id, 30))[1] for hold_id in holds]
    # 15, 30, 45, 60, 75 and 90 %.
    assert taken == [7, 7, 7, 8, 7, 8]


def marks() -> list[int]:
    return sorted(BudgetMark.objects.values_list("percent", flat=True))


def spend(account: Account, amount: int, cap: BudgetCap) -> None:
    capture(held(account, amount, budgets=(cap,)), amount)


def test_what_a_budget_came_to_is_marked_once_in_the_same_transaction(funded: Account) -> None:
    cap = a_cap(100)
    seen = []
    for amount in (49, 1, 29, 1, 19, 1):
        spend(funded, amount, cap)
        seen.append(marks())

    assert seen == [[], [50], [50], [50, 80], [50, 80], [50, 80, 100]]


def test_one_charge_may_pass_several_marks_and_holds_alone_none(funded: Account) -> None:
    hold_id = held(funded, 90, budgets=(a_cap(100),))
    assert marks() == []
    capture(hold_id, 90)
    assert marks() == [50, 80]


def test_another_window_is_marked_anew(funded: Account) -> None:
    for window in (NOVEMBER, "2026-12"):
        spend(funded, 60, a_cap(100, window=window))

    assert marks() == [50, 50]


def test_a_cap_that_is_raised_and_reached_again_is_not_marked_twice(funded: Account) -> None:
    for amount, cap_nano in ((60, 100), (1, 200), (99, 200)):
        spend(funded, amount, a_cap(cap_nano))

    assert marks() == [50, 80]


def test_a_budget_that_refuses_even_the_least_is_used_up(funded: Account) -> None:
    cap = a_cap(100)
    spend(funded, 85, cap)
    insisting = reserve(funded, 20, budgets=(cap,))
    assert isinstance(insisting, Refused)
    assert marks() == [50, 80]

    assert isinstance(reserve(funded, 200, minimum=20, budgets=(cap,)), Refused)

    assert marks() == [50, 80, 100]


def test_a_budget_that_open_holds_fill_is_not_used_up(funded: Account) -> None:
    cap = a_cap(100)
    spend(funded, 10, cap)
    held(funded, 90, budgets=(cap,))

    assert isinstance(reserve(funded, 200, minimum=20, budgets=(cap,)), Refused)

    assert marks() == []
