"""The audit log through the API: read only, by filters, page after page."""

from typing import Any
from urllib.parse import quote

import pytest

from opscenter.core.models import AuditEntry
from tests.llmconfig.api import OPENAI_SECRET, Api

pytestmark = pytest.mark.django_db


def test_an_entry_says_what_was_changed_and_by_whom(alice: Api) -> None:
    server = alice.server()
    alice.patch(f"servers/{server['id']}", {"enabled": False})

    (entry, made) = alice.get(f"audit?entity_type=ai_servers&entity_id={server['id']}").body["results"]

    stored = AuditEntry.objects.latest("id")
    assert (entry["action"], entry["username"], entry["source"]) == ("update", "alice", "api")
    assert entry["changes"] == {"before": {"enabled": True}, "after": {"enabled": False}}
    assert (entry["number"], entry["entry_hash"]) == (stored.number, stored.entry_hash)
    assert (made["action"], made["entry_hash"]) == ("create", entry["previous_hash"])
    assert alice.get(f"audit/{entry['id']}").body == entry


def test_the_log_is_narrowed(alice: Api) -> None:
    server, key = alice.server(), alice.key()
    alice.delete(f"servers/{server['id']}")
    deleted = alice.get("audit").body["results"][0]

    def found(query: str) -> set[tuple[str, str]]:
        return {(row["entity_type"], row["action"]) for row in alice.get(f"audit?{query}").body["results"]}

    assert found("action=delete") == {("ai_servers", "delete")}
    assert found(f"entity_type=llm_api_keys&entity_id={key['id']}") == {("llm_api_keys", "create")}
    assert found(f"request_id={deleted['request_id']}") == {("ai_servers", "delete")}
    assert found(f"user_id={deleted['user_id']}&source=api") == {
        ("ai_servers", "create"),
        ("ai_servers", "delete"),
        ("llm_api_keys", "create"),
    }
    at = quote(deleted["created_at"])
    assert found(f"since={at}") == {("ai_servers", "delete")}
    assert ("ai_servers", "delete") not in found(f"until={at}")


def test_pages_lead_to_the_beginning_whatever_is_written_meanwhile(alice: Api) -> None:
    for n in range(4):
        alice.server(name=f"s{n}")
    newest = AuditEntry.objects.latest("id").pk

    page, seen = alice.get("audit?entity_type=ai_servers&page_size=2").body, []
    alice.server(name="later")
    while True:
        seen += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = alice.get(page["next"].partition("/llm-config/")[2]).body

    assert seen == list(range(newest, newest - 4, -1))


def test_it_is_read_by_whoever_configures_and_written_by_nobody(alice: Api, bob: Api, nobody: Api) -> None:
    alice.key()
    entry = AuditEntry.objects.latest("id")

    assert (bob.get("audit").status, nobody.get("audit").status, bob.get(f"audit/{entry.pk}").status) == (403, 401, 403)
    assert alice.post("audit", {"action": "x"}).status == 405
    assert {alice.call(method, f"audit/{entry.pk}", {}).status for method in ("PUT", "PATCH", "DELETE")} == {405}
    assert OPENAI_SECRET not in alice.get("audit").text
    assert alice.get("audit?cursor=nonsense").status == 404


def test_what_was_written_past_the_application_leaves_the_log_readable(alice: Api) -> None:
    broken: tuple[Any, ...] = ({}, [], "x", {"before": [], "after": None, "reverts": "x"})
    for changes in broken:
        AuditEntry.objects.create(action="update", entity_type="t", entity_id="1", source="api", changes=changes)

    rows = alice.get("audit?entity_type=t").body["results"]

    assert [row["changes"] for row in rows] == [{"before": {}, "after": {}}] * 4
