"""Every page opens, and none of them shows a secret."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from pytest_django.fixtures import Settings

from credits.amounts import to_nano, to_text
from gateway.models import RequestRow
from llmconfig.models import ProviderKey
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, World, make_late_request, text

pytestmark = pytest.mark.once

MODELS = sorted((model for model in admin.site._registry), key=lambda model: model._meta.label)
ADDABLE = {
    "llm_aiserver", "llm_providerkey", "llm_activeprovider", "llm_llmmodel", "llm_deployment", "llm_price",
    "gateway_virtualkey", "gateway_workflow", "credits_plan", "credits_package", "core_user", "auth_group",
}  # fmt: skip


def name_of(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def rows_of(model: type[Model]) -> list[Any]:
    """Those of its page: consumers' keys have another than the platform's."""
    rows = model._default_manager.all()
    return list(rows.filter(owner=None) if model is ProviderKey else rows)


def test_all_pages_open_and_show_no_secret(root: Site, world: World) -> None:
    secrets = [*world.secrets, *User.objects.exclude(password="").values_list("password", flat=True)]
    for model in MODELS:
        rows = rows_of(model)
        pages = [root.get(f"{name_of(model)}_changelist")]
        pages += [root.get(f"{name_of(model)}_change", row.pk) for row in rows]
        pages += [root.get(f"{name_of(model)}_add")] if name_of(model) in ADDABLE else []

        assert rows, model
        assert {page.status_code for page in pages} == {200}, model
        shown = "".join(page.content.decode() for page in pages)
        assert not [secret for secret in secrets if secret in shown], model


def test_the_sidebar_leads_to_every_page(root: Site) -> None:
    page = root.get("index").content.decode()

    assert not [model for model in MODELS if f'href="/admin/{name_of(model).replace("_", "/", 1)}/"' not in page]
    assert "Ops-Center" in page


def test_a_list_that_is_empty_says_what_fills_it(root: Site) -> None:
    for model in MODELS:
        said = text(root.get(f"{name_of(model)}_changelist"))
        page: Any = admin.site.get_model_admin(model)

        if model._default_manager.exists():
            assert f"No {model._meta.verbose_name_plural} yet" not in said
        else:
            assert f"No {model._meta.verbose_name_plural} yet {page.when_empty}" in said
            assert page.when_empty, model


def test_a_list_where_nothing_matches_leads_back_to_all(root: Site, world: World) -> None:
    said = text(root.get("llm_aiserver_changelist", q="nowhere"))

    assert "Nothing matches" in said
    assert "Show all AI servers" in said


def test_static_files_are_served_without_debug(client: Client, db: None, settings: Settings) -> None:
    settings.WHITENOISE_AUTOREFRESH = False
    answer = client.get("/static/unfold/css/styles.css")

    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/css")


def test_a_request_is_a_receipt(root: Site, world: World) -> None:
    page = text(root.get("gateway_requestrow_change", world.request.pk))

    for said in ("unreachable", "answered", "Held (credits) 20", "Charged (credits) 0.7", "Rates: candidates", "-0.7"):
        assert said in page


def test_a_journal_shows_both_sides(root: Site, world: World) -> None:
    from credits.models import Journal

    page = text(root.get("credits_journal_change", Journal.objects.get(kind="usage").pk))

    assert f"Debit {world.wallet.code} 0.7 999.3" in page
    assert "Credit revenue 0.7 none is kept" in page
    assert f"Request {world.request.pk}" in page


def test_journals_are_listed_with_both_sides_and_found_by_their_request(root: Site, world: World) -> None:
    answer = root.get("credits_journal_changelist", q=str(world.request.pk))

    assert f"{world.wallet.code} revenue 0.7 {world.request.pk}" in text(answer)
    assert f"/admin/gateway/requestrow/{world.request.pk}/change/" in answer.content.decode()
    assert "A start" not in text(answer)


def test_a_correction_and_what_it_corrects_lead_to_each_other(root: Site, world: World) -> None:
    from credits.models import Journal

    make_late_request(world.wallet)
    usage = Journal.objects.filter(kind="usage").latest("pk")
    correction = Journal.objects.get(kind="adjustment")

    assert f"Corrects this one {correction.idempotency_key} 0.3" in text(root.get("credits_journal_change", usage.pk))
    assert f"Is corrected by this one {usage.idempotency_key} 0.5" in text(
        root.get("credits_journal_change", correction.pk)
    )


def test_a_receipt_shows_how_its_bill_comes_about(root: Site, world: World) -> None:
    page = text(root.get("gateway_requestrow_change", world.request.pk))

    assert "Recomputed Agrees" in page
    assert "Rounded up, once to a whole nanocredit 0.7 credits" in page
    assert "contradicts itself" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"charged_nano": to_nano("0.700000001")}, "comes to 0.7 credits, and 0.700000001 credits were charged"),
        ({"charged_nano": to_nano("0.6")}, "By the ledger 0.7 credits left the wallet, and by the request 0.6 credits"),
        ({"completion_tokens": 401}, "comes to 0.7007 credits, and 0.7 credits were charged"),
    ],
)
def test_a_bill_that_contradicts_itself_raises_an_alarm(
    root: Site, world: World, change: dict[str, int], said: str
) -> None:
    RequestRow.objects.filter(pk=world.request.pk).update(**change)

    page = text(root.get("gateway_requestrow_change", world.request.pk))

    assert "This bill contradicts itself:" in page
    assert said in page
    assert "Recomputed Contradicts itself" in page


def test_an_account_shows_credits_as_decimals(root: Site, world: World) -> None:
    assert to_text(world.wallet.posted) == "999.3"
    assert "Balance 999.3" in text(root.get("credits_account_change", world.wallet.pk))


def test_an_audit_entry_shows_what_was_and_what_is(root: Site, world: World) -> None:
    group = Group.objects.create(name="before-name")
    group.name = "after-name"
    group.save()

    page = text(root.get("core_auditentry_change", AuditEntry.objects.latest("id").pk))

    assert "name before-name after-name" in page


def test_history_is_the_audit_log(root: Site, world: World) -> None:
    answer = root.client.get(f"/admin/llm/aiserver/{world.server.pk}/history/", follow=True)

    assert "ai_servers 1".replace("1", str(world.server.pk)) in text(answer)


@pytest.mark.parametrize("term", ["id", "key", "user"])
def test_requests_are_found_by_id_key_and_user(root: Site, world: World, term: str) -> None:
    terms = {"id": str(world.request.pk), "key": world.virtual_key.masked, "user": "charlie"}

    assert str(world.request.pk) in root.get("gateway_requestrow_changelist", q=terms[term]).content.decode()
    assert str(world.request.pk) not in root.get("gateway_requestrow_changelist", q="nobody").content.decode()
