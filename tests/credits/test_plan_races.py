"""Many workers that grant at once, while operators change plans; first shown without the lock."""

import threading
from functools import partial

import pytest

from credits import checker
from credits.amounts import NANO
from credits.ledger import book
from credits.ledger.moves import Post
from credits.models import Account, Entry, Journal
from credits.services import plan_grants, plans, wallets
from opscenter.core.models import User
from tests.credits.ledger import in_threads
from tests.credits.plans import DECEMBER, NOVEMBER, starter, team

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4
PEOPLE = 12


@pytest.fixture
def people() -> list[Account]:
    return [wallets.wallet_of(User.objects.create_user(f"member{n}")) for n in range(PEOPLE)]


def balances() -> set[int]:
    return {posted // NANO for posted in Account.objects.wallets().values_list("posted", flat=True)}


def test_look_then_grant_gives_both_plans_credits(alice: Account) -> None:
    meet = threading.Barrier(2)

    def look_then_grant(tier: str, credits: int) -> None:
        given = sum(Entry.objects.filter(account=alice).values_list("amount", flat=True))
        meet.wait()
        book.apply([Post(alice.pk, "grants", credits * NANO - given, "grant", f"grant:1:{tier}:2126-12", "", "")])

    in_threads([partial(look_then_grant, "starter", 10_000), partial(look_then_grant, "professional", 50_000)])

    assert balances() == {60_000}


def test_workers_that_grant_at_once_give_everybody_their_month_once(
    people: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_grants, "_BATCH", 3)
    for account in people:
        plans.set_plan(account=account, plan=starter(), now=NOVEMBER)

    in_threads([partial(plan_grants.give_due, now=DECEMBER)] * WORKERS)
    # Whoever finds a batch taken goes home.
    plan_grants.give_due(now=DECEMBER)

    assert balances() == {20_000}
    assert Journal.objects.count() == 2 * PEOPLE
    assert checker.check() == []


def test_an_upgrade_while_workers_grant_gives_no_more_than_the_better_plan(people: list[Account]) -> None:
    for account in people:
        plans.set_plan(account=account, plan=starter(), now=NOVEMBER)
    better = team()

    def upgrade() -> None:
        for account in people:
            plans.set_plan(account=account, plan=better, now=DECEMBER)

    in_threads([upgrade, *[partial(plan_grants.give_due, now=DECEMBER)] * 3])
    plan_grants.give_due(now=DECEMBER)

    assert balances() == {60_000}
    assert checker.check() == []
