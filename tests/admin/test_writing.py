"""What is saved is audited and announced; what is refused shows in the form."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from credits.models import Account, PowerLevel, Tier
from gateway.models import VirtualKey, Workflow
from gateway.services import keys
from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, Price, ProviderKey
from opscenter.core import secrets
from opscenter.core.models import AuditEntry, User
from tests.admin.site import PROVIDER_SECRET, Site, World, address, last_entry, text, version

pytestmark = pytest.mark.once


class Changed:
    """Saves a page's form with some fields changed."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, page: str, row: Any, **fields: Any) -> Any:
        data = {**self.site.form(f"{page}_change", row.pk), **fields}
        return self.site.post(f"{page}_change", row.pk, data={k: v for k, v in data.items() if v is not None})


@pytest.fixture
def change(root: Site) -> Changed:
    return Changed(root)


EDITS: list[tuple[str, Callable[[World], Any], dict[str, Any], str]] = [
    ("llm_aiserver", lambda w: w.server, {"model_path": "other"}, "ai_servers"),
    ("llm_providerkey", lambda w: w.key, {"use_for_ops_center": "on", "key_name": "other"}, "llm_api_keys"),
    ("llm_activeprovider", lambda w: w.active, {"default_model": "x"}, "active_providers"),
    ("llm_llmmodel", lambda w: w.model, {"use_case_tags": "code, chat"}, "llm_models"),
    ("llm_llmmodel", lambda w: w.model, {"input_price": "3"}, "llm_prices"),
    ("llm_llmmodel", lambda w: w.model, {"deployments-0-weight": "5"}, "llm_deployments"),
    ("llm_deployment", lambda w: w.model.deployments.all()[0], {"priority": "4"}, "llm_deployments"),
    ("llm_deployment", lambda w: w.model.deployments.all()[0], {"input_price": "9"}, "llm_prices"),
    ("credits_tier", lambda w: Tier.objects.get(slug="starter"), {"markup": "0.5"}, "credits_tiers"),
    (
        "credits_powerlevel",
        lambda w: PowerLevel.objects.get(slug="eco"),
        {"providers": "local"},
        "credits_power_levels",
    ),
    ("credits_account", lambda w: w.wallet, {"tier": "starter"}, "llm_credits"),
    ("credits_account", lambda w: w.wallet, {"status": "frozen"}, "llm_credits"),
    ("gateway_virtualkey", lambda w: w.virtual_key, {"allowed_models": "m1, m2"}, "llm_virtual_keys"),
    ("gateway_workflow", lambda w: Workflow.objects.get(), {"max_credits": "2.5"}, "llm_workflows"),
    ("gateway_workflow", lambda w: Workflow.objects.get(), {"steps-0-max_tokens": "99"}, "llm_workflow_steps"),
    ("core_user", lambda w: w.wallet.user, {"email": "c@example.org"}, "users"),
]


@pytest.mark.parametrize(("page", "row", "fields", "table"), EDITS, ids=[f"{e[0]}-{next(iter(e[2]))}" for e in EDITS])
def test_an_edit_is_audited_and_announced(
    page: str, row: Any, fields: dict[str, Any], table: str, change: Changed, world: World, root_user: User
) -> None:
    before, entries = version(), AuditEntry.objects.count()

    answer = change(page, row(world), **fields)

    assert answer.status_code == 302, text(answer)
    entry = last_entry()
    assert (entry.entity_type, entry.user_id, entry.source) == (table, root_user.pk, "admin")
    assert AuditEntry.objects.count() == entries + 1
    assert version() == before + 1


@pytest.mark.parametrize("page", sorted({edit[0] for edit in EDITS}))
def test_saving_without_a_change_writes_nothing(page: str, change: Changed, world: World) -> None:
    row = next(edit[1] for edit in EDITS if edit[0] == page)(world)
    before, entries = version(), AuditEntry.objects.count()

    assert change(page, row).status_code == 302
    assert (version(), AuditEntry.objects.count()) == (before, entries)


def test_a_server_is_added_with_its_key(root: Site, root_user: User) -> None:
    data = {"name": "new", "server_type": "vllm", "base_url": "http://127.0.0.1:7", "api_key": "a-key-of-new-1234"}

    answer = root.post("llm_aiserver_add", data={**data, "metadata": "{}", "use_for_chat": "on"})

    server = AIServer.objects.get(name="new")
    assert (answer.status_code, server.masked_key, server.created_by) == (302, "****1234", root_user)
    assert server.api_key is not None
    assert secrets.reveal(server.api_key, owner=server) == "a-key-of-new-1234"


def test_an_empty_key_field_keeps_the_key_and_the_box_removes_it(change: Changed, world: World) -> None:
    change("llm_aiserver", world.server, model_path="x")
    assert AIServer.objects.get(pk=world.server.pk).masked_key == "****77aa"

    change("llm_aiserver", world.server, remove_api_key="on")
    assert AIServer.objects.get(pk=world.server.pk).masked_key is None


def test_a_refused_form_repeats_no_secret(change: Changed, world: World) -> None:
    answer = change("llm_providerkey", world.key, key_name="", api_key=PROVIDER_SECRET)

    assert answer.status_code == 200
    assert PROVIDER_SECRET not in answer.content.decode()


def test_a_stored_key_does_not_move_to_another_address(change: Changed, world: World) -> None:
    answer = change("llm_aiserver", world.server, base_url="http://127.0.0.1:99")

    assert answer.status_code == 200
    assert "a stored key is only sent to the one it was meant for" in text(answer)
    assert AIServer.objects.get(pk=world.server.pk).base_url == world.server.base_url


def test_a_refused_service_is_an_error_of_the_form(change: Changed, world: World) -> None:
    answer = change("llm_activeprovider", world.active, fallback_model="unpriced")

    assert answer.status_code == 200
    assert "add it to the catalog first" in text(answer)


def test_two_primaries_are_an_error_of_the_form(change: Changed, world: World) -> None:
    answer = change("llm_activeprovider", world.active, primary_key=world.key.pk)

    assert "The primary is one AI server or one provider key." in text(answer)


def test_a_new_price_is_a_new_version(root: Site, world: World) -> None:
    answer = root.post("llm_price_add", data={"model": world.model.pk, "input_price": "0.25", "output_price": "1"})

    newest = Price.objects.of(model_id=world.model.pk, deployment_id=None).latest("number")
    assert (answer.status_code, newest.number, str(newest.input_price)) == (302, 2, "0.250000")
    assert Price.objects.filter(model=world.model).count() == 2


def test_a_deployment_is_added_on_the_models_page(root: Site, change: Changed, world: World) -> None:
    more = {"deployments-TOTAL_FORMS": "3", "deployments-2-id": "", "deployments-2-model": world.model.pk}
    row = {"server": world.server.pk, "key": "", "upstream_model": "z", "priority": 2, "weight": 1, "timeout_s": 60}
    more |= {f"deployments-2-{name}": value for name, value in row.items()} | {"deployments-2-transport": "auto"}

    assert change("llm_llmmodel", world.model, **more).status_code == 302
    assert Deployment.objects.filter(model=world.model, upstream_model="z").exists()


@pytest.mark.parametrize("page", ["llm_aiserver", "llm_providerkey", "llm_llmmodel"])
def test_what_is_in_use_is_not_deleted_and_says_by_what(page: str, root: Site, world: World) -> None:
    row = {"llm_aiserver": world.server, "llm_providerkey": world.key, "llm_llmmodel": world.model}[page]

    answer = root.client.post(f"/admin/{page.replace('_', '/')}/{row.pk}/delete/", {"post": "yes"}, follow=True)

    assert type(row)._default_manager.filter(pk=row.pk).exists()
    assert "chat" in text(answer)
    selected = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    assert root.post(f"{page}_changelist", data=selected).status_code in (200, 302)
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_what_is_unused_is_deleted_and_audited(root: Site, world: World) -> None:
    before = version()

    root.post("llm_activeprovider_delete", world.active.pk, data={"post": "yes"})

    assert not ActiveProvider.objects.exists()
    assert (last_entry().action, last_entry().entity_type, version()) == ("delete", "active_providers", before + 1)
    root.post("llm_llmmodel_delete", world.model.pk, data={"post": "yes"})
    root.post("llm_providerkey_delete", world.key.pk, data={"post": "yes"})
    assert not LLMModel.objects.exists()
    assert not ProviderKey.objects.platform().exists()
    assert root.get("llm_price_changelist").status_code == 200


def test_a_virtual_key_is_shown_once(root: Site, charlie_user: User) -> None:
    data = {
        "user": charlie_user.pk,
        "environment": "dev",
        "power_level": "precision",
        "name": "laptop",
        "budget_period": "month",
    }

    posted = root.post("gateway_virtualkey_add", data=data)

    key = VirtualKey.objects.get(name="laptop")
    assert (posted.status_code, posted["Location"]) == (302, f"/admin/gateway/virtualkey/{key.pk}/issued/")
    stored = str([session.get_decoded() for session in Session.objects.all()])
    answer = root.get("gateway_virtualkey_issued", key.pk)
    page = answer.content.decode()
    plaintext = page.split('id="virtual-key">')[1].split("<")[0]
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert key.account == Account.objects.get(user=charlie_user)
    assert plaintext.startswith(f"sk-ops-{key.public_id}_")
    pages = [
        root.get("gateway_virtualkey_change", key.pk),
        root.get("gateway_virtualkey_changelist"),
        root.get("index"),
    ]
    assert not [page for page in pages if plaintext.split("_", 1)[1] in page.content.decode()]
    assert plaintext.split("_", 1)[1] not in str(AuditEntry.objects.values_list("changes", flat=True))
    assert plaintext.split("_", 1)[1] not in str(root.client.cookies)
    assert plaintext.split("_", 1)[1] not in stored
    again = root.client.get(address("gateway_virtualkey_issued", key.pk), follow=True)
    assert "Rotate it, or revoke it" in text(again)
    assert plaintext.split("_", 1)[1] not in again.content.decode()
    assert VirtualKey.objects.filter(name="laptop").count() == 1


def test_a_new_key_is_shown_to_nobody_but_its_issuer(root: Site, alice: Site, bob: Site, charlie_user: User) -> None:
    data = {"user": charlie_user.pk, "environment": "dev", "power_level": "precision", "budget_period": "month"}
    root.post("gateway_virtualkey_add", data={**data, "name": "mine"})
    key = VirtualKey.objects.get(name="mine")

    assert alice.get("gateway_virtualkey_issued", key.pk).status_code == 302
    assert bob.get("gateway_virtualkey_issued", key.pk).status_code == 403
    assert 'id="virtual-key"' in root.get("gateway_virtualkey_issued", key.pk).content.decode()


def test_an_unknown_purpose_is_an_error_of_the_form(change: Changed, world: World) -> None:
    assert "no such purpose" in text(change("gateway_virtualkey", world.virtual_key, allowed_purposes="chat, cooking"))


def test_a_keys_budget_is_given_in_credits(change: Changed, world: World) -> None:
    change("gateway_virtualkey", world.virtual_key, budget_credits="12.5", budget_period="week")
    world.virtual_key.refresh_from_db()
    assert (str(world.virtual_key.budget_credits), world.virtual_key.budget_period) == ("12.5", "week")


def test_whoever_issues_a_key_for_somebody_without_permission_is_told(root: Site, world: World) -> None:
    user = world.virtual_key.user
    page = root.client.post(address("gateway_virtualkey_add"), issuing(root, user), follow=True)
    assert "charlie may not call models yet" in text(page)

    keys.let_execute(user)
    page = root.client.post(address("gateway_virtualkey_add"), issuing(root, user), follow=True)
    assert "shown this once" in text(page)
    assert "may not call models yet" not in text(page)


def issuing(site: Site, user: User) -> dict[str, Any]:
    return {**site.form("gateway_virtualkey_add"), "user": str(user.pk), "name": "phone"}
