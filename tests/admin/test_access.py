"""Who may open what, and who may change it."""

import pytest
from django.contrib.auth.models import Group, Permission

from opscenter.core.models import User
from tests.admin.site import Site, World, address
from tests.admin.test_pages import ADDABLE, MODELS, name_of

pytestmark = pytest.mark.once

ALICE_READS = {name_of(model) for model in MODELS} - {"auth_group"}
ALICE_ADDS = {name for name in ADDABLE if name.startswith(("llm_", "gateway_"))}


def statuses(site: Site, kind: str) -> dict[str, int]:
    """By the names of the models."""
    names = [name_of(model) for model in MODELS]
    return {name: site.get(f"{name}_{kind}").status_code for name in names}


def test_plain_staff_and_consumers_see_nothing(bob: Site, charlie: Site) -> None:
    assert set(statuses(bob, "changelist").values()) == {403}
    assert set(statuses(charlie, "changelist").values()) == {302}
    assert set(statuses(Site(), "changelist").values()) == {302}


def test_an_llm_admin_reads_and_adds_what_is_theirs(alice: Site) -> None:
    read, added = statuses(alice, "changelist"), statuses(alice, "add")

    assert read == {name: 200 if name in ALICE_READS else 403 for name in read}
    assert added == {name: 200 if name in ALICE_ADDS else 403 for name in added}


@pytest.mark.parametrize(
    ("permission", "opens"),
    [
        (
            "manage_providers",
            {
                *("llm_aiserver", "llm_providerkey", "llm_consumerkey", "llm_proxystate"),
                *("llm_providerhealth", "llm_healthchange"),
            },
        ),
        ("manage_models", {"llm_llmmodel", "llm_deployment", "llm_price"}),
        ("view_entry", {"credits_entry"}),
        ("read", set()),
    ],
)
def test_each_permission_opens_its_own_pages(permission: str, opens: set[str], bob: Site, bob_user: User) -> None:
    bob_user.user_permissions.add(Permission.objects.get(codename=permission))

    opened = {name_of(model) for model in MODELS if bob.get(f"{name_of(model)}_changelist").status_code == 200}

    assert opened == opens


def test_the_sidebar_shows_what_may_be_opened_alone(bob: Site, bob_user: User) -> None:
    bob_user.user_permissions.add(Permission.objects.get(codename="manage_providers"))

    page = bob.get("index").content.decode()

    assert "/admin/llm/aiserver/" in page
    assert "/admin/credits/journal/" not in page


def test_an_llm_admin_moves_no_money(alice: Site, world: World) -> None:
    answer = alice.press("credits_account", world.wallet, "adjust", confirmed="yes", amount="5", reason="me")

    assert answer.status_code == 403
    assert alice.post("credits_account_change", world.wallet.pk, data={"tier": "enterprise"}).status_code == 403


def test_buttons_ask_for_a_permission_of_their_own(bob: Site, bob_user: User, world: World) -> None:
    bob_user.user_permissions.add(Permission.objects.get(codename="manage_providers"))

    assert "set-active" not in bob.get("llm_aiserver_change", world.server.pk).content.decode()
    assert bob.press("llm_aiserver", world.server, "set-active-for-chat").status_code == 403


def test_who_may_only_configure_issues_no_keys(bob: Site, bob_user: User) -> None:
    bob_user.user_permissions.add(Permission.objects.get(codename="configure"))

    assert bob.get("gateway_virtualkey_add").status_code == 403


def test_who_may_change_users_promotes_nobody(bob: Site, bob_user: User, root_user: User, charlie_user: User) -> None:
    for codename in ("view_user", "add_user", "change_user", "change_group", "view_group"):
        bob_user.user_permissions.add(
            Permission.objects.get(codename=codename, content_type__app_label__in=("core", "auth"))
        )
    data = {
        **bob.form("core_user_change", charlie_user.pk),
        "email": "c@example.org",
        "is_superuser": "on",
        "is_staff": "on",
    }

    answer = bob.post("core_user_change", charlie_user.pk, data=data)

    charlie_user.refresh_from_db()
    assert answer.status_code == 302
    assert (charlie_user.email, charlie_user.is_superuser, charlie_user.is_staff) == ("c@example.org", False, False)
    assert bob.post("core_user_change", root_user.pk, data=data).status_code == 403
    assert bob.get("auth_user_password_change", root_user.pk).status_code == 403
    assert bob.post("core_user_change", bob_user.pk, data={**data, "username": "bob"}).status_code == 403


@pytest.mark.parametrize("is_active", [True, False])
def test_who_may_change_users_becomes_nobody_with_more_rights(
    is_active: bool, bob: Site, bob_user: User, charlie_user: User
) -> None:
    """By a new password for who manages over the API alone."""
    for codename in ("view_user", "change_user"):
        bob_user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label="core"))
    assert bob.get("auth_user_password_change", charlie_user.pk).status_code == 200

    charlie_user.groups.set([Group.objects.get(name="LLM admin")])
    charlie_user.is_active = is_active
    charlie_user.save()

    assert bob.get("auth_user_password_change", charlie_user.pk).status_code == 403
    assert bob.post("core_user_change", charlie_user.pk, data={"is_active": "on"}).status_code == 403


def test_users_are_never_deleted(root: Site, charlie_user: User) -> None:
    assert root.client.post(address("core_user_delete", charlie_user.pk), {"post": "yes"}).status_code == 403
    root.post(
        "core_user_changelist", data={"action": "delete_selected", "_selected_action": charlie_user.pk, "post": "yes"}
    )
    assert User.objects.filter(pk=charlie_user.pk).exists()


def test_who_may_manage_models_finds_servers_for_them_and_opens_none(bob: Site, bob_user: User, world: World) -> None:
    query = {"app_label": "llm", "model_name": "deployment", "field_name": "server", "term": "gpu"}
    assert bob.get("autocomplete", **query).status_code == 403
    bob_user.user_permissions.add(Permission.objects.get(codename="manage_models"))

    assert "gpu" in bob.get("autocomplete", **query).content.decode()
    assert bob.get("llm_aiserver_change", world.server.pk).status_code == 403
