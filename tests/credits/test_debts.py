"""What was taken back and wasn't there is owed, and paid by whatever comes in."""

from functools import partial
from typing import Any

import pytest

from credits.errors import InsufficientCredits
from credits.ledger import book
from credits.ledger.moves import Held, Posted, Refused, Void
from credits.models import Account, Journal
from credits.services import grants
from opscenter.core.errors import Conflict
from opscenter.core.models import AuditEntry, User
from tests.credits.ledger import (
    DAY,
    a_post,
    a_reserve,
    balance,
    capture,
    claw_back,
    held,
    lots,
    pass_time,
    post,
    reserve,
    system_sum,
    void,
)

pytestmark = pytest.mark.usefixtures("sound")


def debt(account: Account) -> int:
    account.refresh_from_db()
    assert system_sum(f"debt:{account.user_id}") == -account.debt
    return account.debt


def test_what_is_available_goes_first_and_the_rest_is_owed(alice: Account) -> None:
    post(alice, 100)
    held(alice, 30)
    assert claw_back(alice, 90) == Posted(made=True, wallet_change=-70, debt_change=20)
    assert (balance(alice), debt(alice), system_sum("grants")) == ((30, 30), 20, -10)


def test_lots_go_after_the_pool_the_first_to_expire_first(alice: Account) -> None:
    post(alice, 10, lasts_s=2 * DAY)
    post(alice, 10, lasts_s=DAY)
    post(alice, 5)
    claw_back(alice, 17)
    assert (lots(alice), debt(alice)) == ([0, 8], 0)
    claw_back(alice, 17)
    assert (lots(alice), debt(alice)) == ([0, 0], 9)


def test_whoever_owes_is_refused_every_call(alice: Account) -> None:
    claw_back(alice, 5)
    for mode in ("platform", "byok", "free"):
        assert reserve(alice, 0, mode=mode) == Refused("frozen", 0)
    assert reserve(alice, 0, although_frozen=True) == Refused("frozen", 0)


def test_what_comes_in_pays_the_debt_first(alice: Account) -> None:
    claw_back(alice, 50)
    assert post(alice, 20) == Posted(made=True, wallet_change=0, debt_change=-20)
    assert (balance(alice), debt(alice)) == ((0, 0), 30)
    assert post(alice, 45) == Posted(made=True, wallet_change=15, debt_change=-30)
    assert (balance(alice), debt(alice)) == ((15, 0), 0)
    assert isinstance(reserve(alice, 15), Held)


def test_paying_thaws_within_the_batch(alice: Account) -> None:
    claw_back(alice, 50)
    refused, _ = book.apply([a_reserve(alice, 1), a_post(alice, 10)])
    assert refused == Refused("frozen", 0)
    reserved, _ = book.apply([a_reserve(alice, 60), a_post(alice, 100)])
    assert isinstance(reserved, Held)


def test_debt_does_not_thaw_whom_an_operator_froze(alice: Account) -> None:
    claw_back(alice, 5)
    Account.objects.filter(pk=alice.pk).update(status="frozen")
    post(alice, 10)
    assert reserve(alice, 1) == Refused("frozen", 5)
    assert isinstance(reserve(alice, 1, although_frozen=True), Held)


def test_what_a_call_did_not_use_pays_the_debt(alice: Account) -> None:
    post(alice, 100)
    hold_id = held(alice, 60)
    claw_back(alice, 50)
    capture(hold_id, 40)
    assert (balance(alice), debt(alice)) == ((10, 0), 0)
    assert Journal.objects.get(kind="debt_payment").entries.count() == 2


def test_a_debt_is_paid_in_parts_as_calls_end(alice: Account) -> None:
    post(alice, 100)
    first, second = held(alice, 50), held(alice, 50)
    claw_back(alice, 70)
    capture(first, 30)
    assert (balance(alice), debt(alice)) == ((50, 50), 50)
    void(second)
    assert (balance(alice), debt(alice)) == ((0, 0), 0)
    assert Journal.objects.filter(kind="debt_payment").count() == 2


def test_a_grant_that_expires_makes_a_lot_of_what_the_debt_leaves(alice: Account) -> None:
    claw_back(alice, 30)
    post(alice, 20, lasts_s=DAY)
    assert (lots(alice), debt(alice)) == ([], 10)
    post(alice, 20, lasts_s=DAY)
    assert (lots(alice), debt(alice), balance(alice)) == ([10], 0, (10, 0))


def test_what_expired_pays_no_debt(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    hold_id = held(alice, 10)
    claw_back(alice, 10)
    pass_time(DAY + 1)
    void(hold_id)
    assert (balance(alice), debt(alice), system_sum("expired")) == ((0, 0), 10, 10)


def test_claw_back_in_the_batch_that_ends_its_hold_finds_the_credits(alice: Account) -> None:
    post(alice, 100)
    hold_id = held(alice, 80)
    move = a_post(alice, -80, owed=True)
    _, posted = book.apply([Void(hold_id, alice.pk, 1, "refunded"), move])
    assert posted == Posted(made=True, wallet_change=-80, debt_change=0)
    assert balance(alice) == (20, 0)


def test_claw_back_happens_once_per_key(alice: Account) -> None:
    move = a_post(alice, -80, owed=True, key="stripe:re:1")
    assert book.apply([move, move]) == [Posted(True, 0, 80), Posted(False)]
    assert book.apply([move]) == [Posted(False)]
    assert debt(alice) == 80


def test_by_hand_what_pays_a_debt_is_foreseen_and_audited_as_that(alice: Account) -> None:
    claw_back(alice, 50)
    wanted: dict[str, Any] = {"account": alice, "amount_nano": 80, "reason": "Goodwill", "key": "manual:goodwill"}
    assert grants.foresee(**wanted) == grants.Foreseen((0, 30), (0, 30), (50, 0))
    grants.adjust(**wanted)
    told = AuditEntry.objects.get(action="manual").changes
    assert (told["before"]["balance"], told["after"]["balance"]) == ("0", "0.00000003")
    assert (balance(alice), debt(alice)) == ((30, 0), 0)


def test_taking_back_by_hand_makes_no_debt(alice: Account) -> None:
    with pytest.raises(InsufficientCredits):
        grants.adjust(account=alice, amount_nano=-1, reason="too much")
    assert debt(alice) == 0


def test_a_repeated_grant_that_paid_a_debt_is_known_again(alice: Account) -> None:
    claw_back(alice, 30)
    give = partial(grants.grant, account=alice, reason="sorry", key="manual:1")
    assert give(amount_nano=40) == give(amount_nano=40)
    with pytest.raises(Conflict):
        give(amount_nano=10)
    assert balance(alice) == (10, 0)


def test_user_gets_an_account_for_debts_with_the_wallet(db: None) -> None:
    user = User.objects.create_user("carol")
    assert Account.objects.system().filter(code=f"debt:{user.pk}").exists()
