"""Credits that expire: spent before others, and gone when their time has come."""

from uuid import UUID

import pytest
from django.utils import timezone

from credits.ledger import book
from credits.ledger.moves import Expire, Expired, Held, Refused, Sweep
from credits.models import Account, Entry, Hold, Journal, LotEntry
from credits.services import sweep
from tests.credits.ledger import (
    DAY,
    a_capture,
    a_post,
    a_reserve,
    balance,
    capture,
    claw_back,
    deliver,
    forget,
    held,
    lots,
    pass_time,
    post,
    reserve,
    system_sum,
    void,
)

pytestmark = pytest.mark.usefixtures("sound")


@pytest.fixture
def rich(alice: Account) -> Account:
    """10 for a day, 20 for two, and 100 for ever."""
    for amount, days in ((20, 2), (100, None), (10, 1)):
        post(alice, amount, lasts_s=days and days * DAY)
    return alice


def expire(account: Account) -> int:
    (outcome,) = book.apply([Expire(account.pk)])
    assert isinstance(outcome, Expired)
    return outcome.amount


def sweep_it(hold_id: UUID) -> None:
    forget(hold_id)
    assert len(sweep.sweep()) == 1


def test_what_expires_first_is_spent_first(rich: Account) -> None:
    capture(held(rich, 130), 15)
    assert lots(rich) == [0, 15]
    capture(held(rich, 115), 100)
    assert lots(rich) == [0, 0]
    assert balance(rich) == (15, 0)


def test_wallet_knows_what_of_it_expires_and_when(rich: Account) -> None:
    rich.refresh_from_db()
    first, second = rich.lots.order_by("expires_at")
    assert (rich.expiring, rich.next_expiry_at) == (30, first.expires_at)
    capture(held(rich, 12), 12)
    rich.refresh_from_db()
    assert (rich.expiring, rich.next_expiry_at) == (18, second.expires_at)
    capture(held(rich, 18), 18)
    rich.refresh_from_db()
    assert (rich.expiring, rich.next_expiry_at) == (0, None)


def test_several_calls_settled_together_spend_a_lot_once(rich: Account) -> None:
    holds = [held(rich, 10) for _ in range(4)]
    book.apply([a_capture(hold_id, 8) for hold_id in holds])
    assert lots(rich) == [0, 0]
    assert balance(rich) == (98, 0)


def test_what_expired_leaves_the_wallet_by_a_journal(rich: Account) -> None:
    pass_time(DAY + 1)
    assert expire(rich) == 10
    assert expire(rich) == 0
    assert (balance(rich), lots(rich), system_sum("expired")) == ((120, 0), [0, 20], 10)
    journal = Journal.objects.get(kind="expiry")
    assert journal.lot_entries.get().amount == -10
    pass_time(DAY)
    assert expire(rich) == 20
    assert system_sum("expired") == 30


def test_what_expired_is_not_for_new_holds_whatever_task_runs(rich: Account) -> None:
    pass_time(3 * DAY)
    assert reserve(rich, 101) == Refused("insufficient", 100)
    assert isinstance(reserve(rich, 100), Held)
    assert system_sum("expired") == 30


def test_what_a_call_in_flight_may_need_outlives_the_expiry(rich: Account) -> None:
    hold_id = held(rich, 7)
    pass_time(DAY + 1)
    assert expire(rich) == 3
    assert lots(rich) == [7, 20]
    capture(hold_id, 5)
    assert lots(rich) == [0, 20]
    assert (balance(rich), system_sum("expired")) == ((120, 0), 5)


def test_what_a_voided_call_kept_expires_with_it(rich: Account) -> None:
    hold_id = held(rich, 130)
    pass_time(DAY + 1)
    assert expire(rich) == 0
    void(hold_id)
    assert (balance(rich), lots(rich)) == ((120, 0), [0, 20])


def test_credits_bought_meanwhile_do_not_stand_in_for_a_lot_that_is_in_use(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    hold_id = held(alice, 10)
    pass_time(DAY + 1)
    post(alice, 10)
    assert expire(alice) == 0
    capture(hold_id, 10)
    assert (balance(alice), system_sum("expired")) == ((10, 0), 0)


def test_a_call_that_began_after_an_expiry_leaves_the_lot_to_those_before(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    before = held(alice, 10)
    pass_time(DAY + 1)
    post(alice, 10)
    capture(held(alice, 10), 6)
    assert lots(alice) == [10]
    void(before)
    assert (balance(alice), lots(alice), system_sum("expired")) == ((4, 0), [0], 10)


def test_two_lots_expired_one_after_the_other_keep_what_the_calls_before_each_need(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    post(alice, 10, lasts_s=2 * DAY)
    first = held(alice, 4)
    pass_time(DAY + 1)
    second = held(alice, 9)
    pass_time(DAY)
    assert expire(alice) == 1
    assert lots(alice) == [4, 9]
    capture(second, 3)
    assert lots(alice) == [4, 0]
    capture(first, 4)
    assert (balance(alice), lots(alice)) == ((0, 0), [0, 0])


def test_late_settle_gives_back_to_the_lots_as_if_less_had_been_charged(rich: Account) -> None:
    hold_id = held(rich, 50)
    deliver(hold_id, 5, 45)
    sweep_it(hold_id)
    assert lots(rich) == [0, 0]
    assert capture(hold_id, 12).captured == 12
    assert (balance(rich), lots(rich)) == ((118, 0), [0, 18])


def test_what_a_late_settle_gives_back_to_an_expired_lot_expires(rich: Account) -> None:
    hold_id = held(rich, 10)
    deliver(hold_id, 5, 10)
    sweep_it(hold_id)
    pass_time(DAY + 1)
    capture(hold_id, 4)
    assert (balance(rich), lots(rich), system_sum("expired")) == ((120, 0), [0, 20], 6)


def test_late_settle_in_the_batch_of_the_sweep_gives_back_too(rich: Account) -> None:
    hold_id = held(rich, 25)
    deliver(hold_id, 5, 25)
    forget(hold_id)
    book.apply([Sweep(hold_id, rich.pk, 60), a_capture(hold_id, 11)])
    assert (balance(rich), lots(rich)) == ((119, 0), [0, 19])


def test_taking_back_by_hand_spares_the_lots(rich: Account) -> None:
    post(rich, -105)
    assert lots(rich) == [5, 20]
    claw_back(rich, 7)
    assert lots(rich) == [0, 18]


def test_what_calls_in_flight_still_need_is_taken_back_last(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    post(alice, 10, lasts_s=2 * DAY)
    hold_id = held(alice, 10)
    pass_time(DAY + 1)
    claw_back(alice, 5)
    assert lots(alice) == [10, 5]
    capture(hold_id, 10)
    assert lots(alice) == [0, 5]


def test_a_grant_that_is_taken_back_in_its_own_batch_leaves_an_empty_lot(alice: Account) -> None:
    book.apply([a_post(alice, 10, lasts_s=DAY), a_post(alice, -10)])
    assert (balance(alice), lots(alice)) == ((0, 0), [0])
    alice.refresh_from_db()
    assert (alice.expiring, alice.next_expiry_at) == (0, None)


def test_what_was_granted_last_and_expires_first_is_taken_first(alice: Account) -> None:
    post(alice, 10, lasts_s=2 * DAY)
    book.apply([a_post(alice, 10, lasts_s=DAY), a_post(alice, -5)])
    assert lots(alice) == [5, 10]


def test_a_hold_made_in_the_moment_of_expiry_stays_covered(alice: Account) -> None:
    """The lot was there when it was reserved, and had expired when the hold was written."""
    post(alice, 10, lasts_s=DAY)
    hold_id = held(alice, 10)
    pass_time(DAY + 1)
    Hold.objects.update(created_at=timezone.now())
    assert expire(alice) == 0
    capture(hold_id, 4)
    assert (balance(alice), lots(alice), system_sum("expired")) == ((0, 0), [0], 6)


def test_a_grant_may_be_held_in_its_own_batch(alice: Account) -> None:
    assert isinstance(book.apply([a_post(alice, 10, lasts_s=DAY), a_reserve(alice, 10)])[1], Held)
    assert balance(alice) == (10, 10)


def test_a_grant_that_has_expired_already_is_refused(alice: Account) -> None:
    (outcome,) = book.apply([a_post(alice, 10, lasts_s=-1)])
    assert outcome == Refused("expired", 0)
    assert not Journal.objects.exists()


def test_batches_of_many_wallets_keep_their_lots_apart(rich: Account, bob: Account) -> None:
    post(bob, 50, lasts_s=DAY)
    mine, theirs = held(rich, 20), held(bob, 20)
    book.apply([a_capture(theirs, 20), a_capture(mine, 12)])
    assert (lots(rich), lots(bob)) == ([0, 18], [30])


def test_parts_of_a_lot_are_parts_of_what_moved_the_wallet(rich: Account) -> None:
    capture(held(rich, 35), 35)
    journal = Journal.objects.get(kind="usage")
    assert sorted(LotEntry.objects.filter(journal=journal).values_list("amount", flat=True)) == [-20, -10]
    assert Entry.objects.get(journal=journal, account=rich).amount == -35


def test_expiring_a_stranger_is_refused(db: None) -> None:
    assert book.apply([Expire(10**9)]) == [Refused("no_account")]
