"""Every minute the worker has expire what nobody moves."""

import pytest
from django.db.models import F

from credits import checker
from credits.models import Account
from credits.services import expiry
from credits.tasks import expire_credits
from tests.credits.ledger import DAY, balance, held, lots, pass_time, post, system_sum, void


def test_idle_wallets_lose_what_expired(alice: Account, bob: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    post(alice, 5)
    post(bob, 7, lasts_s=2 * DAY)
    assert expire_credits() == 0
    pass_time(DAY + 1)
    assert expire_credits() == 10
    assert (balance(alice), balance(bob)) == ((5, 0), (7, 0))
    pass_time(DAY)
    assert expire_credits() == 7
    assert system_sum("expired") == 17
    assert checker.check() == []


def test_a_wallet_whose_calls_keep_its_lot_is_tried_again_the_next_time(alice: Account) -> None:
    post(alice, 10, lasts_s=DAY)
    hold_id = held(alice, 10)
    pass_time(DAY + 1)
    assert expire_credits() == 0
    assert lots(alice) == [10]
    void(hold_id)
    assert expire_credits() == 0
    assert balance(alice) == (0, 0)


def test_a_wallet_that_can_not_expire_keeps_no_other_from_it(
    alice: Account, bob: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for account in (alice, bob):
        post(account, 10, lasts_s=DAY)
    pass_time(DAY + 1)

    Account.objects.filter(pk=alice.pk).update(entries_count=F("entries_count") - 1)
    assert expiry.expire() == 10
    assert balance(bob) == (0, 0)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
