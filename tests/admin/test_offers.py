"""Plans, packages, alert rules and what accounts have of them are edited, audited, and what is in use is kept."""

import pytest
from django.contrib.auth.models import Permission

from credits.amounts import NANO
from credits.models import AlertRules, Package, Plan
from credits.services import plans
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, World, text

pytestmark = pytest.mark.once


def test_a_plan_is_made_in_credits(root: Site) -> None:
    wanted = {"name": "Team", "slug": "team", "tier": "professional", "credits_nano": "50000.5", "lasts_months": "1"}

    page = root.post("credits_plan_add", data={**root.form("credits_plan_add"), **wanted})

    assert page.status_code == 302
    plan = Plan.objects.get(slug="team")
    assert (plan.credits_nano, plan.lasts_months, plan.active) == (50_000 * NANO + NANO // 2, 1, True)
    assert AuditEntry.objects.get(entity_type="credits_plans").action == "create"
    assert 'value="50000.5"' in root.get("credits_plan_change", plan.pk).content.decode()


@pytest.mark.parametrize("credits", ["many", "-1", "0.0000000001"])
def test_what_is_no_amount_is_said_beside_the_field(root: Site, credits: str) -> None:
    plan = Plan.objects.get(slug="starter")
    form = root.form("credits_plan_change", plan.pk)

    page = root.post("credits_plan_change", plan.pk, data={**form, "credits_nano": credits})

    assert page.status_code == 200
    assert Plan.objects.get(pk=plan.pk).version == 1


def test_a_plan_in_use_keeps_its_tier(root: Site, world: World) -> None:
    plan = Plan.objects.get(slug="starter")
    plans.set_plan(account=world.wallet, plan=plan)
    form = root.form("credits_plan_change", plan.pk)

    page = root.post("credits_plan_change", plan.pk, data={**form, "tier": "enterprise"})

    assert "Make another plan, and give them that." in text(page)
    assert root.post("credits_plan_change", plan.pk, data={**form, "credits_nano": "12000"}).status_code == 302
    assert Plan.objects.get(pk=plan.pk).credits_nano == 12_000 * NANO


def test_an_llm_admin_and_whoever_moves_credits_change_no_plan(alice: Site, alice_user: User) -> None:
    alice_user.user_permissions.add(Permission.objects.get(codename="change_account"))
    plan = Plan.objects.get(slug="starter")

    assert alice.post("credits_plan_change", plan.pk, data={"credits_nano": "10000000"}).status_code == 403
    assert alice.post("credits_plan_add", data={"credits_nano": "10000000"}).status_code == 403
    assert Plan.objects.get(slug="starter").credits_nano == plan.credits_nano


def test_a_package_is_repriced(root: Site) -> None:
    package = Package.objects.get(slug="credits-5000")
    assert "4.50 USD" in text(root.get("credits_package_changelist"))
    form = root.form("credits_package_change", package.pk)

    root.post("credits_package_change", package.pk, data={**form, "price_minor": "475"})

    package.refresh_from_db()
    assert (package.price_minor, package.credits_nano, package.version) == (475, 5000 * NANO, 2)
    assert AuditEntry.objects.get(entity_type="credits_packages").changes["after"] == {"price_minor": 475}


def test_the_threshold_of_low_balances_is_set(root: Site) -> None:
    form = root.form("credits_alertrules_change", 1)

    root.post("credits_alertrules_change", 1, data={**form, "low_balance_credits": "25"})

    assert AlertRules.objects.get().low_balance_credits == 25
    assert AuditEntry.objects.filter(entity_type="credits_alert_rules").exists()


def test_an_account_is_given_a_plan_a_budget_and_a_threshold(root: Site, world: World) -> None:
    plan = Plan.objects.get(slug="starter")
    before = world.wallet.posted
    form = root.form("credits_account_change", world.wallet.pk)
    wanted = {"plan": plan.pk, "budget_credits": "12.5", "budget_period": "day", "low_balance_credits": "7"}

    page = root.post("credits_account_change", world.wallet.pk, data={**form, **wanted})

    assert page.status_code == 302
    world.wallet.refresh_from_db()
    assert (world.wallet.plan, world.wallet.tier) == (plan, "starter")
    assert world.wallet.posted == before + plan.credits_nano
    assert (str(world.wallet.budget_credits), world.wallet.budget_period) == ("12.5", "day")
    assert world.wallet.low_balance_credits == 7
    actions = AuditEntry.objects.filter(entity_type="llm_credits").order_by("-number").values_list("action", flat=True)
    assert set(actions[:3]) == {"set_plan", "set_budget", "set_low_balance"}


def test_a_plan_that_is_out_of_use_is_refused_on_the_account_page(root: Site, world: World) -> None:
    Plan.objects.update(active=False)
    form = root.form("credits_account_change", world.wallet.pk)

    page = root.post(
        "credits_account_change", world.wallet.pk, data={**form, "plan": Plan.objects.get(slug="starter").pk}
    )

    assert "The plan Starter is given to nobody any more." in text(page)
