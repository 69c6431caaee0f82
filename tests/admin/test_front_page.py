"""The front page: what a tired operator sees first."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from credits.amounts import to_nano
from credits.ledger import book
from credits.ledger.moves import Reserve
from credits.models import Hold, Package, PowerLevel, StripeEvent
from credits.services import ledger_checks
from gateway.models import RequestRow
from llmconfig.models import ActiveProvider, AIServer
from llmconfig.services import catalog
from opscenter.core import task_runs
from opscenter.core.ids import uuid7
from opscenter.core.models import AuditEntry, Secret, User
from opscenter.core.tasks import verify_audit
from tests.admin.site import Site, World, make_request, text

pytestmark = pytest.mark.once


def let(user: User, *codenames: str) -> None:
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))


def fail(world: World) -> RequestRow:
    row = make_request(world.wallet, world.virtual_key)
    row.status, row.error_code, row.http_status = RequestRow.Status.FAILED, "upstream_error", 502
    row.save()
    return row


def test_it_says_how_things_stand(root: Site, world: World) -> None:
    failed = fail(world)
    book.apply([Reserve(uuid7(), world.wallet.pk, None, to_nano("30"), 1)])

    page = root.get("index")

    said = text(page)
    for fact in (
        "Requests today 2",
        "Failed today 1 (50.0 %)",
        "Charged today 1.4 credits",
        "Open holds 1",
        "Held 30 credits",
        "Past their lease 0",
        "Ledger check 0 problems",
        "gpu (demo), then openai: main (m1)",
        "upstream_error",
    ):
        assert fact in said
    assert f"/admin/gateway/requestrow/{failed.pk}/change/" in page.content.decode()


def test_every_link_opens_a_list_that_shows_what_was_counted(root: Site, world: World) -> None:
    failed = fail(world)
    sections = root.open("index")["sections"]
    facts = {fact.label: fact for section in sections for fact in section.facts}
    links = {fact.link for fact in facts.values() if fact.link}

    assert len(links) > 8
    assert {root.client.get(link).status_code for link in links} == {200}
    listed = root.client.get(facts["Failed today"].link).content.decode()
    assert str(failed.pk) in listed
    assert str(world.request.pk) not in listed


def test_a_hold_past_its_lease_is_counted_and_listed(root: Site, world: World) -> None:
    id = uuid7()
    book.apply([Reserve(id, world.wallet.pk, None, to_nano("30"), 1)])
    Hold.objects.filter(pk=id).update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    assert "Past their lease 1" in text(root.get("index"))
    assert str(id) in root.get("credits_hold_changelist", open="stale").content.decode()


@pytest.mark.parametrize(("codenames", "sees"), [((), ()), (("read",), ("Providers", "Health and drift"))])
def test_who_may_not_read_sees_nothing_of_it(
    bob: Site, bob_user: User, world: World, codenames: tuple[str, ...], sees: tuple[str, ...]
) -> None:
    let(bob_user, "view_requestrow", "view_hold", "view_journal")
    assert "sections" not in bob.open("index")
    let(bob_user, *codenames)

    context = bob.open("index")

    titles = [section.title for section in context.get("sections") or ()]
    assert [title for title in titles if title != "Installation"] == list(sees)


def test_each_section_is_for_whom_may_open_its_pages(bob: Site, bob_user: User, world: World) -> None:
    let(bob_user, "read", "view_requestrow")

    sections = bob.open("index")["sections"]

    assert [section.title for section in sections] == ["Installation", "Providers", "Health and drift", "Traffic"]
    links = [fact.link for section in sections for fact in section.facts if fact.link]
    assert {bob.client.get(link).status_code for link in links} == {200}


def test_it_warns_of_what_is_wrong(root: Site, world: World, settings: Any) -> None:
    place = {"provider_type": "api_key", "provider_id": world.key.pk, "upstream_model": "gpt-y"}
    catalog.create_model(values={"name": "unpriced"}, deployments=[place])
    AIServer.objects.update(enabled=False)

    said = text(root.get("index"))

    assert "No background worker is alive" in said
    assert "have no price: unpriced." in said
    assert 'AI server "gpu" is disabled.' in said
    assert "m1" not in text(root.get("llm_llmmodel_changelist", priced="no")).split("Name")[-1]
    assert "unpriced" in text(root.get("llm_llmmodel_changelist", priced="no"))
    ActiveProvider.objects.all().delete()
    assert "Nobody is active for chat" in text(root.get("index"))


def test_it_warns_of_a_ring_that_lost_its_key(root: Site, world: World) -> None:
    Secret.objects.update(ciphertext=b"not of this ring")

    assert "doesn't decrypt the stored API keys of gpu, openai: own, openai: main." in text(root.get("index"))


def test_it_has_nothing_to_warn_of_where_all_is_well(root: Site, world: World) -> None:
    task_runs.note(ledger_checks.HEARTBEAT_TASK)
    place = {"provider_type": "ai_server", "provider_id": world.server.pk, "upstream_model": "demo"}
    catalog.create_model(values={"name": "demo"}, deployments=[place])

    # Some of those that are shipped sell below cost.
    Package.objects.update(active=False)
    PowerLevel.objects.update(multiplier=1)

    assert root.open("index")["warnings"] == []


def test_it_warns_of_events_that_wait_for_long(root: Site, world: World, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "any"
    assert "Events that wait" not in text(root.get("index"))
    StripeEvent.objects.update(received_at=timezone.now() - timedelta(days=2))

    with CaptureQueriesContext(connection) as captured:
        page = root.get("index")

    assert len(captured.captured_queries) <= 36
    assert "Events that wait for their purchase: 1, the oldest since" in text(page)
    address = "/admin/credits/stripeevent/?state__exact=waiting"
    assert address in page.content.decode()
    assert StripeEvent.objects.get().pk in root.client.get(address).content.decode()


def test_it_is_bounded_in_queries_and_reads_no_table_whole(root: Site, world: World) -> None:
    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            root.get("index")
        return [query["sql"] for query in captured.captured_queries]

    statements()
    few = statements()
    for n in range(6):
        fail(world)
        AIServer.objects.create(
            name=f"s{n}", server_type="vllm", base_url="http://127.0.0.1:9", health_status="healthy"
        )
    many = statements()

    assert len(many) == len(few) <= 36
    large = [sql for sql in many if any(f'FROM "{table}"' in sql for table in ("llm_requests", "llm_attempts"))]
    assert len(large) == 3
    assert all('"created_at" >= ' in sql for sql in large)
    assert all('"state" = ' in sql for sql in many if 'FROM "credits_holds"' in sql)


def test_it_warns_of_an_audit_log_that_was_tampered_with(root: Site) -> None:
    said = "The last check found problems (1): manage.py verify_audit names them."
    assert said not in text(root.get("index"))
    AuditEntry.objects.create(action="update", entity_type="t", entity_id="1", source="api")

    assert verify_audit() == 1

    assert said in text(root.get("index"))
