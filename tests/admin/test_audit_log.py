"""The audit log in the admin: differences, filters, and the way back."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from credits.models import Tier
from llmconfig.models import ActiveProvider, AIServer, ProviderKey
from llmconfig.services import active, servers
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, World, last_entry, text

pytestmark = pytest.mark.once

PAGE = "core_auditentry"


def change(server: AIServer, **fields: Any) -> AuditEntry:
    servers.update(server=server, fields=fields)
    return last_entry()


def revert(site: Site, entry: AuditEntry, *fields: str) -> str:
    return text(site.press(PAGE, entry, "revert", confirmed="yes", fields_to_revert=fields))


def test_an_entry_shows_what_differs_down_to_the_keys_of_an_object(root: Site, world: World) -> None:
    change(world.server, metadata={"rack": 3, "owner": {"team": "a", "room": 1}})
    entry = change(world.server, metadata={"rack": 4, "owner": {"team": "<b>", "room": 1}, "row": [1]}, enabled=False)

    page = root.get(f"{PAGE}_change", entry.pk)

    for said in ("metadata.rack 3 4", "metadata.owner.team a <b>", "metadata.row – [1]", "enabled true false"):
        assert said in text(page)
    assert "room" not in text(page).partition("Changes")[2].partition("Other changes")[0]
    assert "<del class='difference'>3</del>" in page.content.decode()
    assert "<b>" not in page.content.decode()


def test_an_entry_leads_to_the_other_changes_of_the_same_thing(root: Site, world: World) -> None:
    entry = change(world.server, enabled=False)
    made = AuditEntry.objects.get(entity_type="ai_servers", entity_id=str(world.server.pk), action="create")

    page = root.get(f"{PAGE}_change", entry.pk).content.decode()

    assert f"/admin/core/auditentry/{made.pk}/change/" in page
    assert f"entity_type__exact=ai_servers&amp;entity_id__exact={world.server.pk}" in page


def test_the_list_is_narrowed_by_what_how_whence_and_whom(root: Site, root_user: User, world: World) -> None:
    form = root.form("llm_aiserver_change", world.server.pk)
    root.post("llm_aiserver_change", world.server.pk, data={**form, "model_path": "found-by-its-filter"})
    entry = last_entry()

    def found(**query: Any) -> set[int]:
        listed: Any = root.get(f"{PAGE}_changelist", **query)
        return {row.pk for row in listed.context["cl"].result_list}

    def all_of(**wanted: Any) -> set[int]:
        return set(AuditEntry.objects.filter(**wanted).values_list("pk", flat=True))

    assert found(by_way_of="admin") == all_of(source="admin") >= {entry.pk}
    assert found(did="update") == all_of(action="update")
    assert found(did="other") == all_of() - all_of(action__in=("create", "update", "delete"))
    assert found(entity="ai_servers") == all_of(entity_type="ai_servers")
    assert found(q="root") == all_of(user_id=root_user.pk)
    assert found(q=entry.request_id) == {entry.pk}
    assert entry.pk in found(q=str(entry.number))


def test_what_is_chosen_is_set_back_and_the_rest_stays(root: Site, root_user: User, world: World) -> None:
    entry = change(world.server, enabled=False, model_path="b")
    change(world.server, model_path="c")

    asked = text(root.press(PAGE, entry, "revert"))
    said = revert(root, entry, "enabled")

    assert "enabled: true (is false now)" in asked
    assert "model_path: demo (is c now, and was changed since)" in asked
    assert f"gpu: enabled as before entry {entry.number}." in said
    stored = AIServer.objects.get(pk=world.server.pk)
    assert (stored.enabled, stored.model_path) == (True, "c")
    back = last_entry()
    assert (back.user_id, back.source) == (root_user.pk, "admin")
    assert back.changes == {"before": {"enabled": False}, "after": {"enabled": True}, "reverts": entry.number}
    assert f"Sets back entry {entry.number}" in text(root.get(f"{PAGE}_change", back.pk))


def test_an_active_provider_is_set_back_by_the_service_that_checks_it(root: Site, world: World) -> None:
    active.set_active(purpose="chat", primary=world.key, default_model="m1")
    entry = last_entry()

    revert(root, entry, "primary_server", "primary_key", "default_model", "fallback_key", "fallback_model")

    chosen = ActiveProvider.objects.get(purpose="chat")
    assert (chosen.primary, chosen.default_model, chosen.fallback) == (world.server, "", world.key)
    assert (last_entry().action, last_entry().changes["reverts"]) == ("set_active", entry.number)

    ProviderKey.objects.update(enabled=False)
    assert "is disabled" in revert(root, last_entry(), "primary_server", "primary_key", "default_model")
    assert ActiveProvider.objects.get(purpose="chat").primary == world.server


def test_decimals_come_back_exactly(root: Site, world: World) -> None:
    tier = Tier.objects.get(slug="starter")
    before = tier.markup
    form = root.form("credits_tier_change", tier.pk)
    root.post("credits_tier_change", tier.pk, data={**form, "markup": "0.45"})
    assert Tier.objects.get(slug="starter").markup == Decimal("0.45")

    revert(root, last_entry(), "markup")

    assert Tier.objects.get(slug="starter").markup == before


def test_what_the_service_refuses_is_said(root: Site, world: World) -> None:
    servers.update(server=world.server, fields={"base_url": "http://127.0.0.2:9"}, api_key="another-key-of-the-server")

    said = revert(root, last_entry(), "base_url")

    assert "give the API key again" in said
    assert AIServer.objects.get(pk=world.server.pk).base_url == "http://127.0.0.2:9"


def test_there_is_no_way_back_where_there_is_nothing_to_go_back_to(root: Site, world: World) -> None:
    made = AuditEntry.objects.get(entity_type="ai_servers", action="create")
    servers.update(server=world.server, fields={}, api_key="another-key-of-the-server")
    secret = last_entry()
    changed = change(world.server, enabled=False)
    change(world.server, enabled=True)
    other = servers.create(fields={"name": "x", "server_type": "vllm", "base_url": "http://127.0.0.1:1"})
    of_a_gone_row = change(other, enabled=False)
    servers.delete(server=other)

    for entry in (made, secret, changed, of_a_gone_row, last_entry()):
        assert "/do/revert/" not in root.get(f"{PAGE}_change", entry.pk).content.decode()
        assert root.press(PAGE, entry, "revert", confirmed="yes").status_code == 404


def test_only_who_may_change_the_row_sets_it_back(alice: Site, bob: Site, bob_user: User, world: World) -> None:
    entry = change(world.server, enabled=False)
    bob_user.user_permissions.add(Permission.objects.get(codename="view_auditentry"))

    assert bob.get(f"{PAGE}_change", entry.pk).status_code == 200
    assert bob.press(PAGE, entry, "revert", confirmed="yes", fields_to_revert="enabled").status_code == 404
    assert not AIServer.objects.get(pk=world.server.pk).enabled
    revert(alice, entry, "enabled")
    assert AIServer.objects.get(pk=world.server.pk).enabled
