"""Credits given and taken by hand: once per key, never below what is held, always audited."""

import pytest

from credits import amounts
from credits.errors import AmountInvalid, InsufficientCredits, LedgerBroken, WalletMissing
from credits.models import Account, Journal
from credits.services import grants, wallets
from opscenter.core.audit import Actor, acting_as
from opscenter.core.errors import Conflict
from opscenter.core.models import AuditEntry, ConfigVersion, User
from tests.credits.conftest import Give
from tests.credits.ledger import balance, claw_back, held, pass_time, post, system_sum

NANO = amounts.NANO


def test_grant_moves_credits_from_the_grants_account(alice: Account) -> None:
    journal = grants.grant(account=alice, amount_nano=1000 * NANO, reason="trial", key="grant:x")
    assert (journal.kind, journal.reason) == ("grant", "trial")
    assert balance(alice) == (1000 * NANO, 0)
    assert system_sum("grants") == -1000 * NANO


def test_grant_happens_once_per_key(alice: Account) -> None:
    first, second = (grants.grant(account=alice, amount_nano=NANO, reason="trial", key="grant:x") for _ in range(2))
    assert first == second
    assert balance(alice) == (NANO, 0)
    assert AuditEntry.objects.filter(action="grant").count() == 1


def test_adjustment_takes_back_at_most_what_is_available(alice: Account, give: Give) -> None:
    give(alice, "10")
    held(alice, 4 * NANO)
    with pytest.raises(InsufficientCredits, match="Only 6 credits are available") as caught:
        grants.adjust(account=alice, amount_nano=-7 * NANO, reason="a mistake")
    assert caught.value.details == {"available": "6"}
    grants.adjust(account=alice, amount_nano=-6 * NANO, reason="a mistake")
    assert balance(alice) == (4 * NANO, 4 * NANO)


def test_adjustment_is_audited_with_its_actor(alice: Account) -> None:
    with acting_as(Actor(user_id=5, source="admin")):
        journal = grants.adjust(account=alice, amount_nano=NANO // 2, reason="goodwill")
    entry = AuditEntry.objects.get(action="manual")
    assert journal.idempotency_key.startswith("manual:")
    assert (journal.actor, entry.user_id, entry.entity_id) == ("user:5", 5, str(alice.pk))
    assert entry.changes["before"] == {"balance": "0"}
    assert entry.changes["after"]["balance"] == "0.5"


def test_a_wallet_never_has_more_than_can_be_counted(alice: Account) -> None:
    most = amounts.LARGEST - alice.posted
    grants.grant(account=alice, amount_nano=most, reason="all there is", key="grant:x")
    with pytest.raises(LedgerBroken):
        grants.grant(account=alice, amount_nano=1, reason="one more", key="grant:y")
    assert balance(alice) == (amounts.LARGEST, 0)
    assert isinstance(balance(alice)[0], int)


def test_what_a_debt_took_is_audited_and_not_taken_for_balance(alice: Account) -> None:
    claw_back(alice, 30 * NANO)
    grants.adjust(account=alice, amount_nano=40 * NANO, reason="goodwill")
    changes = AuditEntry.objects.get(action="manual").changes
    assert changes["before"] == {"balance": "0", "debt": "30"}
    assert (changes["after"]["balance"], changes["after"]["debt"]) == ("10", "0")


@pytest.mark.parametrize(("amount", "balance_after", "debt_after"), [(40, 10, 0), (20, 0, 10)])
def test_an_adjustment_is_foreseen_with_what_a_debt_takes_of_it(
    alice: Account, amount: int, balance_after: int, debt_after: int
) -> None:
    claw_back(alice, 30)
    foreseen = grants.foresee(account=alice, amount_nano=amount, reason="goodwill", key="manual:1")
    assert foreseen == grants.Foreseen((0, balance_after), (0, balance_after), (30, debt_after))
    grants.adjust(account=alice, amount_nano=amount, reason="goodwill", key="manual:1")
    alice.refresh_from_db()
    assert (alice.posted, alice.debt) == (balance_after, debt_after)


def test_what_has_expired_is_foreseen_as_gone_though_nobody_moved_it_yet(alice: Account) -> None:
    post(alice, 10, lasts_s=60)
    post(alice, 5)
    pass_time(61)
    foreseen = grants.foresee(account=alice, amount_nano=-5, reason="a mistake", key="manual:1")
    assert foreseen == grants.Foreseen((5, 0), (5, 0), (0, 0))
    with pytest.raises(InsufficientCredits) as caught:
        grants.foresee(account=alice, amount_nano=-6, reason="a mistake", key="manual:1")
    assert caught.value.details == {"available": "0.000000005"}


def test_what_is_foreseen_is_not_done(alice: Account) -> None:
    post(alice, 10, lasts_s=60)
    pass_time(61)
    grants.foresee(account=alice, amount_nano=7, reason="goodwill", key="manual:1")
    assert balance(alice) == (10, 0)
    assert Journal.objects.count() == 1


def test_what_was_done_is_not_foreseen_again(alice: Account) -> None:
    grants.adjust(account=alice, amount_nano=7, reason="goodwill", key="manual:1")
    with pytest.raises(Conflict):
        grants.foresee(account=alice, amount_nano=7, reason="goodwill", key="manual:1")


@pytest.mark.parametrize("amount", [0, -1])
def test_grant_of_nothing_is_refused(alice: Account, amount: int) -> None:
    with pytest.raises(AmountInvalid):
        grants.grant(account=alice, amount_nano=amount, reason="x", key="grant:x")


def test_adjustment_wants_an_amount_and_a_reason(alice: Account) -> None:
    for amount, reason in ((0, "x"), (5, " ")):
        with pytest.raises(AmountInvalid):
            grants.adjust(account=alice, amount_nano=amount, reason=reason)
    assert not Journal.objects.exists()


def test_system_accounts_are_granted_nothing(db: None) -> None:
    with pytest.raises(WalletMissing):
        grants.adjust(account=Account.objects.get(code="revenue"), amount_nano=1, reason="x")


def test_wallet_comes_with_its_user_and_is_made_once(db: None) -> None:
    user = User.objects.create_user("carol")
    wallet = wallets.wallet_of(user)
    assert (wallet.kind, wallet.tier, wallet.status, wallet.posted) == ("wallet", "free", "active", 0)
    assert wallets.open_wallet(user=user) == wallet


def test_tier_and_status_changes_are_audited_and_announced(alice: Account, give: Give) -> None:
    stale = Account.objects.get(pk=alice.pk)
    give(alice, "10")
    announced = ConfigVersion.objects.get().version
    wallets.set_tier(account=stale, tier="starter")
    assert (stale.tier, stale.posted) == ("starter", 10 * NANO)
    assert ConfigVersion.objects.get().version == announced + 1
    entry = AuditEntry.objects.get(action="set_tier")
    assert entry.changes == {"before": {"tier": "free"}, "after": {"tier": "starter"}}
    wallets.set_tier(account=stale, tier="starter")
    assert AuditEntry.objects.filter(action="set_tier").count() == 1


@pytest.mark.parametrize(
    ("text", "nano"),
    [("1000", 1000 * NANO), ("0.7", 7 * NANO // 10), ("-0.000000001", -1), ("0", 0), ("1E+3", 1000 * NANO)],
)
def test_amounts_are_exact_both_ways(text: str, nano: int) -> None:
    assert amounts.to_nano(text) == nano
    assert amounts.to_nano(amounts.to_text(nano)) == nano


@pytest.mark.parametrize(
    ("nano", "text"), [(1000 * NANO, "1000"), (7 * NANO // 10, "0.7"), (-1, "-0.000000001"), (0, "0")]
)
def test_amounts_are_written_plainly(nano: int, text: str) -> None:
    assert amounts.to_text(nano) == text


@pytest.mark.parametrize("text", ["", "ten", "NaN", "Infinity", "0.0000000001", "1e30", "9e999999"])
def test_amounts_without_an_exact_value_are_refused(text: str) -> None:
    with pytest.raises(AmountInvalid):
        amounts.to_nano(text)
