"""A hold is made before anything is sent, and never above what is available."""

import pytest

from credits.ledger import book
from credits.ledger.moves import Broken, Held, Refused, Reserve, Void
from credits.models import Account, Hold
from credits.services import wallets
from opscenter.core.ids import uuid7
from tests.credits.conftest import Give
from tests.credits.ledger import a_reserve, balance, capture, held, reserve

NANO = 10**9


def test_hold_is_refused_when_available_is_short(alice: Account, give: Give) -> None:
    give(alice, "100")
    assert isinstance(reserve(alice, 60 * NANO), Held)
    assert reserve(alice, 41 * NANO) == Refused("insufficient", 40 * NANO)
    assert balance(alice) == (100 * NANO, 60 * NANO)


def test_hold_takes_what_is_there_down_to_its_minimum(alice: Account, give: Give) -> None:
    give(alice, "100")
    outcome = reserve(alice, 500 * NANO, minimum=100 * NANO)
    assert isinstance(outcome, Held)
    assert outcome.amount == 100 * NANO
    assert reserve(alice, 500 * NANO, minimum=1) == Refused("insufficient", 0)


def test_hold_remembers_what_it_was_made_for(alice: Account, give: Give) -> None:
    give(alice, "1")
    hold = Hold.objects.get(pk=held(alice, NANO, rates_json='{"markup": "0.4"}'))
    assert (hold.account_id, hold.virtual_key_id, hold.amount) == (alice.pk, 7, NANO)
    assert (hold.mode, hold.rates, hold.lease_epoch) == ("platform", {"markup": "0.4"}, 1)
    assert hold.is_open
    assert hold.captured is None
    assert hold.dispatched_at is None


@pytest.mark.parametrize("mode", ["free", "byok"])
def test_what_costs_nothing_holds_nothing(alice: Account, mode: str) -> None:
    hold_id = held(alice, 0, mode=mode)
    assert capture(hold_id, 0).won
    assert balance(alice) == (0, 0)
    assert Hold.objects.get(pk=hold_id).captured == 0


def test_frozen_account_is_refused_even_what_costs_nothing(alice: Account, give: Give) -> None:
    give(alice, "5")
    wallets.freeze(account=alice)
    assert reserve(alice, 0, mode="free") == Refused("frozen", 5 * NANO)
    wallets.unfreeze(account=alice)
    assert isinstance(reserve(alice, 0, mode="free"), Held)


def test_nobody_and_the_system_have_no_wallet_to_hold_from(db: None) -> None:
    revenue = Account.objects.get(code="revenue")
    moves = [Reserve(uuid7(), account_id, None, 0, 0, "free") for account_id in (revenue.pk, 10**9)]
    assert book.apply(moves) == [Refused("no_account"), Refused("no_account")]


def test_one_batch_ends_holds_before_it_makes_new_ones(alice: Account, give: Give) -> None:
    give(alice, "10")
    hold_id = held(alice, 10 * NANO)
    outcomes = book.apply([a_reserve(alice, 10 * NANO), Void(hold_id, alice.pk, 1, "unused")])
    assert isinstance(outcomes[0], Held)
    assert balance(alice) == (10 * NANO, 10 * NANO)


def test_a_batch_shares_out_what_is_there_in_order(alice: Account, bob: Account, give: Give) -> None:
    give(alice, "3")
    give(bob, "1")
    outcomes = book.apply([a_reserve(account, NANO) for account in (alice, bob, alice, bob, alice, alice)])
    assert [isinstance(outcome, Held) for outcome in outcomes] == [True, True, True, False, True, False]


def test_a_move_that_the_database_refuses_leaves_its_neighbours_alone(alice: Account, give: Give) -> None:
    give(alice, "10")
    taken = held(alice, NANO)
    again = Reserve(taken, alice.pk, None, NANO, NANO)
    negative = a_reserve(alice, -NANO)
    outcomes = book.apply([a_reserve(alice, NANO), again, a_reserve(alice, NANO), negative])
    assert [type(outcome) for outcome in outcomes] == [Held, Broken, Held, Broken]
    assert balance(alice) == (10 * NANO, 3 * NANO)
