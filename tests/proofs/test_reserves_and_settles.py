"""Many at once: nothing is overspent, nothing charged twice. Each race is first shown without the guard."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from credits import checker
from credits.ledger import book
from credits.ledger.moves import Capture, Held, Refused
from credits.models import Account, Journal
from tests.credits import naive
from tests.credits.conftest import Give
from tests.credits.ledger import a_capture, a_reserve, balance, held, in_threads, wins
from tests.proofs.figures import Figures

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
RESERVES = "More reserves at once than there is cover for"
SETTLES = "Many settles of each hold at once"


@pytest.fixture
def unguarded() -> Iterator[None]:
    """A wallet as others keep it: no CHECK, no lock, no state in the WHERE."""
    with naive.table("available INTEGER, charges INTEGER", "100, 0"):
        yield


def check_then(change: str, meet: threading.Barrier) -> bool:
    (allowed,) = naive.read("available >= 100 AND charges = 0")
    meet.wait()
    if allowed:
        naive.run(f"UPDATE naive SET {change}")
    return bool(allowed)


@pytest.mark.proof(1, RESERVES)
def test_check_then_deduct_overspends(unguarded: None, figures: Figures) -> None:
    meet = threading.Barrier(THREADS)
    allowed = in_threads([partial(check_then, "available = available - 100", meet)] * THREADS)
    assert sum(allowed) == THREADS
    assert naive.read("available") == (100 - 100 * THREADS,)
    figures.saw_without_the_guard("reserves of everything that succeeded at once, of 4", sum(allowed))


@pytest.mark.proof(2, SETTLES)
def test_check_then_charge_charges_twice(unguarded: None, figures: Figures) -> None:
    meet = threading.Barrier(THREADS)
    in_threads([partial(check_then, "charges = charges + 1", meet)] * THREADS)
    (charges,) = naive.read("charges")
    assert charges == THREADS
    figures.saw_without_the_guard("charges for one call, settled by 4 at once", charges)


def shares(count: int) -> list[range]:
    return [range(start, count, THREADS) for start in range(THREADS)]


@pytest.mark.proof(1, RESERVES)
def test_of_1000_reserves_with_cover_for_100_exactly_100_succeed(alice: Account, give: Give, figures: Figures) -> None:
    give(alice, "100")
    reserves = [a_reserve(alice, 10**9) for _ in range(1000)]

    def work(share: range) -> Counter[type]:
        return Counter(type(book.apply([reserves[n]])[0]) for n in share)

    counts = in_threads([partial(work, share) for share in shares(1000)])
    assert sum(counts, Counter()) == {Held: 100, Refused: 900}
    assert balance(alice) == (100 * 10**9, 100 * 10**9)
    assert checker.check() == []
    figures.saw("reserves, by 4 threads", 1000)
    figures.saw("of which succeeded, and there was cover for", 100)


@pytest.mark.proof(2, SETTLES)
def test_of_6000_settles_over_100_holds_exactly_100_charge(alice: Account, give: Give, figures: Figures) -> None:
    give(alice, "100")
    holds = [held(alice, 10**9) for _ in range(100)]
    settles = [a_capture(hold_id, 10**9 // 2) for hold_id in holds] * 60
    random.Random(figures.seed).shuffle(settles)

    def work(mine: list[Capture]) -> int:
        return sum(wins(book.apply(mine[n : n + 12])) for n in range(0, len(mine), 12))

    work_of: list[Callable[[], int]] = [partial(work, settles[start::THREADS]) for start in range(THREADS)]
    assert sum(in_threads(work_of)) == 100
    assert balance(alice) == (50 * 10**9, 0)
    assert Journal.objects.filter(kind="usage").count() == 100
    assert checker.check() == []
    figures.saw("settles, by 4 threads in batches of 12", 6000)
    figures.saw("of which charged, and there were holds", 100)


def test_batches_over_the_same_wallets_never_deadlock(alice: Account, bob: Account, give: Give) -> None:
    give(alice, "100")
    give(bob, "100")

    def work(accounts: list[Account]) -> int:
        outcomes = [book.apply([a_reserve(account, 10**9) for account in accounts]) for _ in range(25)]
        return sum(isinstance(outcome, Held) for batch in outcomes for outcome in batch)

    assert sum(in_threads([partial(work, [alice, bob]), partial(work, [bob, alice])] * 2)) == 200
    assert balance(alice) == balance(bob) == (100 * 10**9, 100 * 10**9)
