"""GET /api/v1/llm/credits/plans, and the operators' POST /api/v1/llm/credits/plan."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from credits.models import Account, Plan
from opscenter.core.models import AuditEntry, User
from tests.credits.ledger import balance

pytestmark = pytest.mark.once

PLANS, PLAN = "/api/v1/llm/credits/plans", "/api/v1/llm/credits/plan"
CREDIT = 10**9


@pytest.fixture
def operator(db: None) -> Client:
    root = User.objects.create_user("root")
    root.user_permissions.add(Permission.objects.get(codename="change_account"))
    browser = Client()
    browser.force_login(root)
    return browser


@pytest.fixture
def consumer(alice: Account) -> Client:
    assert alice.user
    alice.user.groups.add(Group.objects.get(name="LLM user"))
    browser = Client()
    browser.force_login(alice.user)
    return browser


def put(browser: Client, **asked: Any) -> Any:
    return browser.post(PLAN, asked, content_type="application/json")


def test_consumers_see_the_plans_in_use(consumer: Client) -> None:
    Plan.objects.filter(slug="trial").update(active=False)

    assert consumer.get(PLANS).json() == [
        {
            "slug": "starter", "name": "Starter", "tier": "starter", "credits": "10000", "period": "month",
            "lasts_months": None, "for_new_wallets": False,
        }
    ]  # fmt: skip


def test_an_operator_gives_and_takes_a_plan(operator: Client, alice: Account) -> None:
    answer = put(operator, user="alice", plan="starter")

    assert answer.status_code == 200
    said = answer.json()
    assert (said["user"], said["plan"], said["tier"], said["balance"]) == ("alice", "starter", "starter", "10000")
    assert said["next_grant_at"].endswith("-01T00:00:00Z")
    assert balance(alice) == (10_000 * CREDIT, 0)
    assert AuditEntry.objects.get(action="set_plan").source == "api"
    said = put(operator, user="alice", plan=None).json()
    assert (said["plan"], said["balance"], said["next_grant_at"]) == (None, "10000", None)


@pytest.mark.parametrize("asked", [{"user": "nobody", "plan": "starter"}, {"user": "alice", "plan": "none"}], ids=str)
def test_what_there_is_not_is_refused(operator: Client, alice: Account, asked: dict[str, str]) -> None:
    answer = put(operator, **asked)

    assert answer.status_code == 422
    assert answer.json()["error"]["param"] == ("plan" if asked["user"] == "alice" else "user")


@pytest.mark.parametrize("group", ["LLM user", "LLM admin"])
def test_whoever_may_not_move_credits_gives_nobody_a_plan(consumer: Client, alice: Account, group: str) -> None:
    assert alice.user
    alice.user.groups.set([Group.objects.get(name=group)])
    alice.user.user_permissions.add(Permission.objects.get(codename="change_plan"))

    assert put(consumer, user="alice", plan="starter").status_code == 403
    assert balance(alice) == (0, 0)
