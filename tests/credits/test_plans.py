"""A plan decides the tier and grants its credits once a period, whenever it is asked and however it changes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import F

from credits import checker, tasks
from credits.amounts import NANO
from credits.errors import PlanUnavailable
from credits.models import Account, Entry, Journal, Lot, Package, Plan
from credits.services import plan_grants, plans, wallets
from opscenter.core.audit import Actor, acting_as
from opscenter.core.errors import Conflict
from opscenter.core.models import AuditEntry, ConfigVersion, User
from tests.credits.ledger import balance
from tests.credits.plans import DECEMBER, FEBRUARY, LAST_MOMENT, NOVEMBER, a_plan, starter, team

pytestmark = pytest.mark.django_db


def put(account: Account, plan: Plan | None, *, now: Any = NOVEMBER) -> int:
    """The credits that the account has then."""
    plans.set_plan(account=account, plan=plan, now=now)
    return credits(account)


def credits(account: Account) -> int:
    return balance(account)[0] // NANO


def keys() -> set[str]:
    return set(Journal.objects.values_list("idempotency_key", flat=True))


def granted(account: Account) -> list[tuple[str, int]]:
    entries = Entry.objects.filter(account=account).select_related("journal").order_by("version")
    return [(entry.journal.idempotency_key, entry.balance_after or 0) for entry in entries]


def test_a_fresh_database_has_plans_and_packages_as_sold() -> None:
    assert {(plan.slug, plan.tier, plan.credits_nano // NANO, plan.period) for plan in Plan.objects.all()} == {
        ("trial", "free", 1_000, "once"),
        ("starter", "starter", 10_000, "month"),
    }
    packages = Package.objects.values_list("credits_nano", "price_minor", "currency")
    assert [(nano // NANO, cents, currency) for nano, cents, currency in packages] == [
        (1_000, 100, "usd"), (5_000, 450, "usd"), (10_000, 800, "usd"),
    ]  # fmt: skip


def test_a_new_account_begins_with_the_plan_of_new_ones() -> None:
    Plan.objects.filter(slug="trial").update(for_new_wallets=True)

    wallet = wallets.wallet_of(User.objects.create_user("dora"))

    assert wallet.plan and (wallet.plan.slug, wallet.tier, credits(wallet)) == ("trial", "free", 1_000)
    assert keys() == {f"grant:{wallet.pk}:free:once"}
    assert (tasks.grant_plans(), checker.check()) == (0, [])


def test_a_new_account_has_nothing_where_operators_want_it_so(alice: Account) -> None:
    assert (alice.plan, balance(alice), tasks.grant_plans()) == (None, (0, 0), 0)


def test_a_plan_brings_its_tier_and_credits_audited_and_announced(alice: Account) -> None:
    announced = ConfigVersion.objects.get().version
    with acting_as(Actor(user_id=5, source="admin")):
        assert put(alice, starter()) == 10_000

    assert alice.tier == "starter"
    assert ConfigVersion.objects.get().version == announced + 1
    entry = AuditEntry.objects.get(action="set_plan")
    assert entry.changes == {
        "before": {"plan": None, "tier": "free"}, "after": {"plan": "starter", "tier": "starter"},
    }  # fmt: skip
    journal = Journal.objects.get()
    assert (journal.idempotency_key, journal.kind) == (f"grant:{alice.pk}:starter:2126-11", "grant")
    assert (journal.reason, journal.actor) == ("Plan Starter, 2126-11", "user:5")
    put(alice, starter())
    assert AuditEntry.objects.filter(action="set_plan").count() == 1


def test_a_month_begins_in_utc_and_is_granted_once(alice: Account, bob: Account) -> None:
    put(alice, starter())

    assert [plan_grants.give_due(now=now) for now in (NOVEMBER, LAST_MOMENT, DECEMBER, DECEMBER)] == [0, 0, 1, 0]

    assert (credits(alice), credits(bob)) == (20_000, 0)
    assert keys() == {f"grant:{alice.pk}:starter:2126-{month}" for month in (11, 12)}


def test_what_has_been_granted_is_not_granted_again_though_it_were_due(alice: Account) -> None:
    put(alice, starter())
    Account.objects.update(next_grant_at=NOVEMBER)

    assert plan_grants.give_due(now=LAST_MOMENT) == 0
    assert credits(alice) == 10_000
    alice.refresh_from_db()
    assert alice.next_grant_at == DECEMBER


def test_months_in_which_nothing_ran_are_made_up_for_the_newest_last(alice: Account) -> None:
    put(alice, starter())

    assert [plan_grants.give_due(now=FEBRUARY) for _ in range(2)] == [3, 0]

    assert [(key[-7:], balance // NANO) for key, balance in granted(alice)] == [
        ("2126-11", 10_000), ("2126-12", 20_000), ("2127-01", 30_000), ("2127-02", 40_000),
    ]  # fmt: skip
    alice.refresh_from_db()
    assert alice.next_grant_at == datetime(2127, 3, 1, tzinfo=UTC)
    assert checker.check() == []


def test_what_would_have_expired_by_now_is_not_made_up_for(alice: Account) -> None:
    put(alice, a_plan("brief", credits=500, lasts_months=2), now=DECEMBER)

    assert plan_grants.give_due(now=datetime(2127, 4, 1, tzinfo=UTC)) == 2

    months = [key[-7:] for key, _ in granted(alice)]
    assert months == ["2126-12", "2127-03", "2127-04"]
    expiries = [expires_at.month for expires_at in Lot.objects.order_by("id").values_list("expires_at", flat=True)]
    assert expiries == [2, 5, 6]


def to_a_better_plan(account: Account) -> None:
    put(account, team(), now=FEBRUARY)


def to_no_plan(account: Account) -> None:
    put(account, None, now=FEBRUARY)


def to_another_tier(account: Account) -> None:
    wallets.set_tier(account=account, tier="enterprise", now=FEBRUARY)


@pytest.mark.parametrize(("change", "then"), [(to_a_better_plan, 50_000), (to_no_plan, 0), (to_another_tier, 0)])
def test_who_changes_plans_is_given_first_what_earlier_months_owe(
    alice: Account, change: Callable[[Account], None], then: int
) -> None:
    put(alice, starter())

    change(alice)

    assert credits(alice) == 30_000 + then
    assert plan_grants.give_due(now=FEBRUARY) == 0


def test_a_wallet_that_can_not_be_granted_to_stays_due_and_keeps_no_other_from_it(
    alice: Account, bob: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for account in (alice, bob):
        put(account, starter())
    Account.objects.filter(pk=alice.pk).update(entries_count=F("entries_count") - 1)

    assert (plan_grants.give_due(now=DECEMBER), credits(bob)) == (1, 20_000)

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    Account.objects.filter(pk=alice.pk).update(entries_count=F("entries_count") + 1)
    assert (plan_grants.give_due(now=FEBRUARY), credits(alice), credits(bob)) == (5, 40_000, 40_000)


def test_what_is_granted_once_is_never_due_again(alice: Account) -> None:
    put(alice, Plan.objects.get(slug="trial"))

    assert plan_grants.give_due(now=DECEMBER) == 0
    assert (credits(alice), alice.next_grant_at) == (1_000, None)


def test_an_upgrade_gives_the_difference_and_going_to_and_fro_nothing(alice: Account) -> None:
    assert put(alice, starter()) == 10_000
    assert put(alice, better := team()) == 50_000
    assert alice.tier == "professional"
    assert [put(alice, plan) for plan in (starter(), better, None, starter(), better)] == [50_000] * 5
    assert plan_grants.give_due(now=LAST_MOMENT) == 0
    assert plan_grants.give_due(now=DECEMBER) == 1
    assert credits(alice) == 100_000
    assert checker.check() == []


def test_a_downgrade_keeps_what_was_given_and_gives_less_from_the_next_month_on(alice: Account) -> None:
    assert [put(alice, plan) for plan in (team(), starter())] == [50_000, 50_000]
    assert alice.tier == "starter"
    plan_grants.give_due(now=DECEMBER)
    assert credits(alice) == 60_000


@pytest.mark.parametrize(
    ("months", "until"), [(1, datetime(2127, 1, 1, tzinfo=UTC)), (2, datetime(2127, 2, 1, tzinfo=UTC))]
)
def test_what_is_granted_lasts_as_many_months_as_the_plan_says(alice: Account, months: int, until: datetime) -> None:
    put(alice, a_plan("brief", credits=500, lasts_months=months), now=DECEMBER)

    lot = Lot.objects.get(account=alice)
    assert (lot.amount // NANO, lot.expires_at) == (500, until)
    alice.refresh_from_db()
    assert alice.expiring == lot.amount
    assert checker.check() == []


def test_the_trial_is_no_part_of_a_month(alice: Account) -> None:
    assert [put(alice, plan) for plan in (Plan.objects.get(slug="trial"), starter())] == [1_000, 11_000]


def test_without_a_plan_the_tier_stays_and_nothing_more_is_given(alice: Account) -> None:
    put(alice, starter())
    put(alice, None)

    assert (plan_grants.give_due(now=DECEMBER), alice.plan_id, alice.tier) == (0, None, "starter")


def test_a_tier_set_by_hand_ends_the_plan(alice: Account) -> None:
    put(alice, starter())
    wallets.set_tier(account=alice, tier="starter")
    assert alice.plan

    wallets.set_tier(account=alice, tier="enterprise")

    assert (alice.plan_id, alice.tier, plan_grants.give_due(now=DECEMBER)) == (None, "enterprise", 0)
    assert AuditEntry.objects.get(action="set_tier").changes["after"]["plan"] is None


def test_a_plan_that_is_out_of_use_is_given_to_nobody_and_kept_by_who_has_it(alice: Account, bob: Account) -> None:
    put(alice, starter())
    Plan.objects.update(active=False)

    with pytest.raises(PlanUnavailable, match="Starter is given to nobody any more"):
        put(bob, starter())

    assert plan_grants.give_due(now=DECEMBER) == 1


def test_what_a_plan_gives_may_change_and_counts_from_the_next_month_on(alice: Account) -> None:
    put(alice, starter())
    plan = starter()
    plan.credits_nano = 12_000 * NANO

    plans.revise(plan)

    assert [plan_grants.give_due(now=now) for now in (LAST_MOMENT, DECEMBER)] == [0, 1]
    assert (credits(alice), starter().version) == (22_000, 2)


@pytest.mark.parametrize(("field", "value"), [("tier", "enterprise"), ("period", "once")])
def test_a_plan_that_accounts_have_keeps_its_tier_and_period(alice: Account, field: str, value: str) -> None:
    plan = starter()
    setattr(plan, field, value)
    plans.revise(plan)
    put(alice, plan)
    setattr(plan, field, "starter" if field == "tier" else "month")

    with pytest.raises(Conflict, match="Make another plan"):
        plans.revise(plan)

    assert getattr(starter(), field) == value


def test_one_plan_is_that_of_new_accounts() -> None:
    Plan.objects.filter(slug="trial").update(for_new_wallets=True)
    plan = starter()
    plan.for_new_wallets = True

    plans.revise(plan)

    assert Plan.objects.get(for_new_wallets=True) == plan
    assert AuditEntry.objects.filter(entity_type="credits_plans").count() == 2


def test_a_plan_that_gives_nothing_moves_nothing(alice: Account) -> None:
    assert put(alice, a_plan("guest", credits=0)) == 0
    assert (alice.tier, keys(), plan_grants.give_due(now=DECEMBER)) == ("starter", set(), 0)
