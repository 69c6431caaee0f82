"""The ledger, requests and the audit log are read; nobody writes them here, not even a superuser."""

import pytest
from django.apps import apps
from django.db.models import Model
from django.forms.models import model_to_dict

from tests.admin.site import Site, World

pytestmark = pytest.mark.once

READ_ONLY = (
    "credits.journal",
    "credits.entry",
    "credits.hold",
    "credits.budget",
    "credits.ledgercheck",
    "credits.lot",
    "credits.manualadjustment",
    "credits.purchase",
    "credits.rateversion",
    "credits.reversal",
    "credits.stripeevent",
    "credits.stripereconciliation",
    "gateway.requestrow",
    "gateway.attemptrow",
    "core.auditentry",
    "llm.providerhealth",
    "llm.healthchange",
)


def test_direct_posts_are_refused(root: Site, world: World) -> None:
    for label in READ_ONLY:
        is_refused_to_write(root, apps.get_model(label), label.replace(".", "_"))


def is_refused_to_write(root: Site, model: type[Model], page: str) -> None:
    row = model._default_manager.all()[0]
    before, count = model_to_dict(row), model._default_manager.count()

    refused = [
        root.post(f"{page}_add", data={name: value for name, value in before.items() if value is not None}),
        root.post(f"{page}_change", row.pk, data={"_save": "1"}),
        root.post(f"{page}_delete", row.pk, data={"post": "yes"}),
    ]
    root.post(f"{page}_changelist", data={"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})

    assert [answer.status_code for answer in refused] == [403, 403, 403], page
    assert model_to_dict(model._default_manager.get(pk=row.pk)) == before
    assert model._default_manager.count() == count


def test_versions_and_rates_are_not_deleted(root: Site, world: World) -> None:
    for page in ("llm_price", "credits_tier", "credits_powerlevel"):
        row = apps.get_model(page.replace("_", "."))._default_manager.all()[0]

        assert root.post(f"{page}_delete", row.pk, data={"post": "yes"}).status_code == 403, page


def test_a_price_is_not_changed(root: Site, world: World) -> None:
    price = world.model.price
    assert price is not None

    assert root.post("llm_price_change", price.pk, data={"input_price": "0"}).status_code == 403


def test_system_accounts_are_not_changed(root: Site, world: World) -> None:
    from credits.models import Account

    revenue = Account.objects.get(code="revenue")

    assert root.post("credits_account_change", revenue.pk, data={"tier": "free"}).status_code == 403
    assert root.press("credits_account", revenue, "adjust").status_code == 404
