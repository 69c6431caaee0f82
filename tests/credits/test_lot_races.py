"""Lots that many settle, have expire and take back at once; each race is first shown without the wallet's lock."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from credits import checker
from credits.ledger import book
from credits.ledger.moves import Closed, Expire, Expired, Held
from credits.models import Account, Journal, LotEntry
from tests.credits import naive
from tests.credits.ledger import (
    DAY,
    a_capture,
    a_post,
    a_reserve,
    balance,
    held,
    in_threads,
    lots,
    pass_time,
    post,
    system_sum,
)

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


@pytest.fixture
def unguarded() -> Iterator[None]:
    """A wallet with one lot as others keep it: no CHECK and no lock."""
    with naive.table("posted INTEGER, held INTEGER, remaining INTEGER", "100, 0, 100"):
        yield


def look_then(change: str, meet: threading.Barrier) -> None:
    available, remaining = naive.read("posted - held, remaining")
    meet.wait()
    naive.run(f"UPDATE naive SET {change.format(part=min(available, remaining, 80))}")


def test_settles_that_look_then_spend_overspend_a_lot(unguarded: None) -> None:
    meet = threading.Barrier(THREADS)
    in_threads([partial(look_then, "remaining = remaining - {part}", meet)] * THREADS)
    assert naive.read("remaining") == (100 - 80 * THREADS,)


def test_an_expiry_that_looks_then_takes_leaves_a_hold_without_cover(unguarded: None) -> None:
    meet = threading.Barrier(2)
    expire = "posted = posted - {part}, remaining = remaining - {part}"
    in_threads([partial(look_then, expire, meet), partial(look_then, "held = held + {part}", meet)])
    posted, held = naive.read("posted, held")
    assert posted < held


def test_settles_at_once_spend_a_lot_exactly(alice: Account) -> None:
    post(alice, 500, lasts_s=DAY)
    post(alice, 1000)
    holds = [held(alice, 10) for _ in range(120)]

    def settle(start: int) -> None:
        for hold_id in holds[start::THREADS]:
            book.apply([a_capture(hold_id, 9)])

    in_threads([partial(settle, n) for n in range(THREADS)])
    assert (lots(alice), balance(alice)) == ([0], (1500 - 120 * 9, 0))
    spent = LotEntry.objects.filter(journal__kind="usage").values_list("amount", flat=True)
    assert sum(spent) == -500
    assert checker.check() == []


def test_expiries_at_once_take_a_lot_once(alice: Account) -> None:
    post(alice, 500, lasts_s=DAY)
    pass_time(DAY + 1)
    meet = threading.Barrier(THREADS)

    def expire() -> int:
        meet.wait()
        (outcome,) = book.apply([Expire(alice.pk)])
        assert isinstance(outcome, Expired)
        return outcome.amount

    assert sorted(in_threads([expire] * THREADS)) == [0] * (THREADS - 1) + [500]
    assert Journal.objects.filter(kind="expiry").count() == 1


def test_calls_at_the_moment_of_expiry_are_covered_or_refused(alice: Account) -> None:
    """And what the last of them leaves of the lot expires."""
    credits = 10**6
    post(alice, credits, lasts_s=0.7)

    def call_until_refused(cost: int) -> int:
        spent = 0
        while isinstance(reserved := book.apply([a_reserve(alice, 10)])[0], Held):
            (closed,) = book.apply([a_capture(reserved.hold_id, cost)])
            assert isinstance(closed, Closed)
            assert closed.captured == cost
            spent += cost
        return spent

    def expire_until_empty() -> int:
        while balance(alice)[0]:
            book.apply([Expire(alice.pk)])
        return 0

    spent = sum(in_threads([partial(call_until_refused, n) for n in range(1, THREADS)] + [expire_until_empty]))
    assert (balance(alice), lots(alice)) == ((0, 0), [0])
    assert system_sum("expired") == credits - spent > 0
    assert checker.check() == []


def test_claw_backs_at_once_take_what_is_there_and_owe_the_rest(alice: Account) -> None:
    post(alice, 300, lasts_s=DAY)
    post(alice, 300)

    def take_back(n: int) -> None:
        for _ in range(10):
            book.apply([a_post(alice, -20, owed=True), a_reserve(alice, 7), a_post(alice, 2)])

    in_threads([partial(take_back, n) for n in range(THREADS)])
    alice.refresh_from_db()
    owed = 40 * 20 - 600 - 40 * 2 + alice.held
    assert (alice.debt, alice.posted, lots(alice)[0] + alice.debt) == (owed, alice.held, alice.expiring + owed)
    assert checker.check() == []
