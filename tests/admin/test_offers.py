"""Plans, packages and alert rules are edited in credits, audited, and what is in use is kept."""

import pytest

from credits.amounts import NANO
from credits.models import AlertRules, Package, Plan
from credits.services import plans
from opscenter.core.models import AuditEntry
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
