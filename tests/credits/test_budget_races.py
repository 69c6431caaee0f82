"""Many calls at once against one budget; first shown without the lock. Several wallets, so that no wallet's lock
stands in for the budget's.
"""

import threading
from collections import Counter
from functools import partial

import pytest
from django.db.models import F

from credits import checker
from credits.ledger import book
from credits.ledger.moves import BudgetCap, Held, Refused, Reserve
from credits.models import Account, Budget
from credits.services import wallets
from opscenter.core.models import User
from tests.credits.conftest import Give
from tests.credits.ledger import a_capture, a_reserve, in_threads, reserve

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
CREDIT = 10**9


@pytest.fixture
def accounts(give: Give) -> list[Account]:
    users = [User.objects.create_user(f"member{n}") for n in range(THREADS)]
    return [give(wallets.wallet_of(user), "1000") for user in users]


def of_team(window: str, credits: int) -> BudgetCap:
    return BudgetCap("team", 1, window, credits * CREDIT)


def test_check_then_count_passes_the_budget() -> None:
    Budget.objects.create(scope="team", scope_id=1, window="2026-11", cap=100)
    meet = threading.Barrier(THREADS)

    def check_then_count() -> bool:
        fits = Budget.objects.get().left >= 100
        meet.wait()
        return bool(fits and Budget.objects.update(held=F("held") + 100))

    assert sum(in_threads([check_then_count] * THREADS)) == THREADS
    assert Budget.objects.get().held == 100 * THREADS


def test_of_1000_reserves_within_a_budget_for_100_exactly_100_succeed(accounts: list[Account]) -> None:
    cap = of_team("2026-11", 100)

    def work(account: Account) -> Counter[type]:
        moves = [a_reserve(account, CREDIT, budgets=(cap,)) for _ in range(1000 // THREADS)]
        return Counter(type(book.apply([move])[0]) for move in moves)

    counts = in_threads([partial(work, account) for account in accounts])
    assert sum(counts, Counter()) == {Held: 100, Refused: 900}
    assert Budget.objects.get().held == 100 * CREDIT
    assert checker.check() == []


def test_settles_and_reserves_at_once_never_pass_the_budget(accounts: list[Account]) -> None:
    cap = of_team("2026-11", 20)

    def work(account: Account) -> int:
        spent = 0
        for _ in range(40):
            (outcome,) = book.apply([a_reserve(account, 4 * CREDIT, minimum=CREDIT, budgets=(cap,))])
            if isinstance(outcome, Held):
                spent += CREDIT
                book.apply([a_capture(outcome.hold_id, CREDIT)])
        return spent

    spent = sum(in_threads([partial(work, account) for account in accounts]))
    budget = Budget.objects.get()
    assert (budget.spent, budget.held) == (spent, 0)
    assert isinstance(reserve(accounts[0], budget.left, budgets=(cap,)), Held)
    assert reserve(accounts[0], 1, budgets=(cap,)) == Refused("budget", 0, cap)
    assert checker.check() == []


def test_batches_that_make_and_share_budgets_never_deadlock(accounts: list[Account]) -> None:
    meet = threading.Barrier(THREADS)

    def work(n: int) -> int:
        outcomes = []
        for day in range(25):
            moves = _batch(accounts[n], day, backwards=n % 2 == 1)
            meet.wait()
            outcomes.append(book.apply(moves))
        return sum(isinstance(outcome, Held) for batch in outcomes for outcome in batch)

    assert sum(in_threads([partial(work, n) for n in range(THREADS)])) == 25 * 7 * THREADS
    assert Budget.objects.count() == 25 * 2 + 5
    assert checker.check() == []


def _batch(account: Account, day: int, *, backwards: bool) -> list[Reserve]:
    """Reserves over budgets that another batch makes at the same time, and over some that have been there longer."""
    windows = [f"day {day}", f"night {day}", *(f"long {n}" for n in range(5))]
    caps = [of_team(window, 10**6) for window in windows]
    return [a_reserve(account, CREDIT, budgets=(cap,)) for cap in (reversed(caps) if backwards else caps)]
