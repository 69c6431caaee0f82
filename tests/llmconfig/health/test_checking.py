"""Looking how providers are: who is asked and when, what becomes history, what becomes a change of state."""

import re
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from llmconfig import snapshot
from llmconfig.health import recording, run, schedule
from llmconfig.models import (
    AIServer,
    HealthChange,
    HealthCheck,
    HealthRollup,
    ProviderHealth,
    ProviderKey,
)
from llmconfig.services import first_catalog, platform_keys
from llmconfig.services.probe import Probe
from opscenter.core.models import Alert, AuditEntry, AuditHead, ConfigVersion, Secret, User
from tests.eventually import eventually
from tests.llmconfig.api import OPENAI_SECRET, Api, on_server
from tests.llmconfig.health.watching import check, health_of, make_due, server_of
from tests.upstream import Upstream, refusing_url

MODELS = "/v1/models"
BAD, GOOD = Probe("unhealthy", message="It answered 500."), Probe("healthy", latency_ms=7)


def version() -> int:
    return ConfigVersion.objects.get().version


def test_every_enabled_server_and_key_is_asked(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    server, key = alice.server(base_url=upstream.origin), alice.key()
    alice.server(name="off", enabled=False, base_url=upstream.origin)
    alice.server(name="never", check_interval_s=0, base_url=upstream.origin)

    assert check() == 2

    assert [call.path for call in upstream.calls] == [MODELS, MODELS]
    assert f"Bearer {OPENAI_SECRET}" in {call.headers.get("authorization") for call in upstream.calls}
    assert (health_of(server).status, health_of(key).status) == ("healthy", "healthy")
    stored = alice.get(f"servers/{server['id']}").body
    assert (stored["health_status"], stored["last_health_check"][-1]) == ("healthy", "Z")


def test_a_consumers_own_key_is_asked_too(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    key = alice.key()
    ProviderKey.objects.update(owner=User.objects.create_user("dora"))

    assert check() == 1
    assert health_of(key).status == "healthy"


def test_nobody_is_asked_before_the_interval_is_over(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.HEALTH_SERVER_INTERVAL_S = 100
    usual, own = (alice.server(name=str(n), check_interval_s=n, base_url=upstream.origin) for n in (None, 1000))
    check()
    asked = len(upstream.calls)

    assert run.run() == 0

    assert len(upstream.calls) == asked == 2
    waits = [(row.due_at - row.checked_at).total_seconds() for row in map(health_of, (usual, own)) if row.checked_at]
    assert 80 <= waits[0] <= 100
    assert 800 <= waits[1] <= 1000


def test_a_doubted_state_is_looked_at_sooner(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.HEALTH_SERVER_INTERVAL_S = 100
    server = alice.server(base_url=upstream.origin)
    check()
    upstream.behave(MODELS, "status-500")
    check()

    health = health_of(server)

    assert (health.status, health.pending, health.streak) == ("healthy", "unhealthy", 1)
    assert health.checked_at is not None
    assert 20 <= (health.due_at - health.checked_at).total_seconds() <= 25


def test_what_was_changed_is_asked_at_once_and_believed_at_once(alice: Api, upstream: Upstream) -> None:
    with refusing_url() as nobody:
        server = alice.server(base_url=nobody)
        check(2)
        assert health_of(server).status == "unhealthy"

    alice.patch(f"servers/{server['id']}", {"base_url": upstream.origin})

    assert run.run() == 1
    assert health_of(server).status == "healthy"


def test_a_dead_server_and_its_return_change_the_state_once_each(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    check()
    entries, before = AuditEntry.objects.count(), version()

    upstream.behave(MODELS, "status-500")
    check(4)
    assert server_of(server).health_status == "unhealthy"
    assert version() == before + 1
    upstream.behave(MODELS, "ok")
    check(4)

    assert server_of(server).health_status == "healthy"
    assert version() == before + 2
    changes = HealthChange.objects.order_by("id").values_list("before", "after", "message")
    assert list(changes) == [
        ("unknown", "healthy", "2 models."),
        ("healthy", "unhealthy", "It answered 500."),
        ("unhealthy", "healthy", "2 models."),
    ]
    assert (AuditEntry.objects.count(), server_of(server).version) == (entries, server["version"])


def test_a_result_now_and_then_changes_nothing(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    check()
    before = version()
    for spec in ("status-500", "ok", "reset-before-first-byte", "ok", "garbage-json", "ok"):
        upstream.behave(MODELS, spec)
        check()

    assert server_of(server).health_status == "healthy"
    assert (HealthChange.objects.count(), version()) == (1, before)
    assert HealthCheck.objects.filter(status="unhealthy").count() == 2


def test_only_what_routing_goes_by_waits_for_the_audit_log(alice: Api, upstream: Upstream) -> None:
    log, announced = AuditHead._meta.db_table, ConfigVersion._meta.db_table
    alice.server(base_url=upstream.origin)
    touched = []
    for spec in ("ok", "ok", "status-404", "status-404", "status-500", "status-500", "ok"):
        upstream.behave(MODELS, spec)
        with CaptureQueriesContext(connection) as captured:
            check()
        tables = [re.findall(rf'"({log}|{announced}|llm_health_changes)"', query["sql"]) for query in captured]
        touched.append(list(dict.fromkeys(table for found in tables for table in found)))

    change = "llm_health_changes"
    assert touched == [[change], [], [], [change], [], [log, change, announced], []]


@pytest.mark.parametrize("status", ["404", "405", "429"])
def test_who_answers_otherwise_is_degraded_and_stays_in_use(alice: Api, upstream: Upstream, status: str) -> None:
    alice.model(on_server(alice.server(base_url=upstream.origin)))
    upstream.behave(MODELS, f"status-{status}")

    check(2)

    assert AIServer.objects.get().health_status == "degraded"
    assert snapshot.load().down == frozenset()


def test_what_is_down_is_known_to_routing(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    server, key = alice.server(base_url=upstream.origin), alice.key()
    places = [on_server(server), {"provider_type": "api_key", "provider_id": key["id"], "upstream_model": "y"}]
    model = alice.model(*places, input_price="1")
    upstream.behave(MODELS, "status-401")

    check(2)

    assert snapshot.load().down == {f"d:{deployment['id']}" for deployment in model["deployments"]}


def test_a_key_that_can_not_be_tested_stays_unknown_and_leaves_no_history(alice: Api) -> None:
    key = alice.key(provider="perplexity")

    assert check(2) == 2
    assert health_of(key).status == "unknown"
    assert not HealthCheck.objects.exists()


def test_what_a_fresh_installation_has_no_keys_for_is_neither_asked_nor_told_of(
    alice: Api, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    assert first_catalog.fill()

    assert check(2) == 0

    said = alice.get("health").body["results"]
    assert len(said) >= 8
    assert {(row["status"], row["message"]) for row in said} == {("unknown", "No API key is stored yet.")}
    assert (HealthChange.objects.count(), Alert.objects.count(), caplog.messages) == (0, 0, [])


def test_a_key_is_asked_as_soon_as_it_is_stored_and_unknown_as_soon_as_it_is_removed(
    alice: Api, upstream: Upstream, settings: Any
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    row = platform_keys.reserve("openai")
    alice.model({"provider_type": "api_key", "provider_id": row.pk, "upstream_model": "x"}, input_price="1")
    assert run.run() == 0
    platform_keys.put("openai", api_key=OPENAI_SECRET)
    upstream.behave(MODELS, "status-401")
    assert check() == 1
    assert ProviderHealth.objects.get().status == "unhealthy"

    platform_keys.remove("openai")

    assert run.run() == 1
    health = ProviderHealth.objects.get()
    assert (health.status, health.message, len(upstream.calls)) == ("unknown", "No API key is stored yet.", 1)
    assert check() == 0


def test_an_unreadable_key_is_unhealthy_without_a_call(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    key = alice.key()
    Secret.objects.update(ciphertext=b"of another ring")

    check()

    assert (health_of(key).status, len(upstream.calls)) == ("unhealthy", 0)


def test_hours_and_days_add_up_what_was_found(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    upstream.behave(MODELS, "ok", "ok", "garbage-json", "status-500", "reset-before-first-byte")
    check(5)

    rollups = {row.period: row for row in HealthRollup.objects.filter(health=health_of(server))}

    assert set(rollups) == {"hour", "day"}
    for row in rollups.values():
        assert (row.healthy, row.degraded, row.unhealthy, row.answers) == (2, 1, 2, 4)
        assert 0 <= row.latency_ms_max <= row.latency_ms_sum


def test_history_is_forgotten_and_its_sums_are_kept(alice: Api, upstream: Upstream, settings: Any) -> None:
    from llmconfig import tasks

    health = schedule.row_of(server_of(alice.server()))
    now = timezone.now()
    for days in (0, 3, 50, 500):
        at = now - timedelta(days=days)
        HealthCheck.objects.create(health=health, at=at, status="healthy")
        HealthChange.objects.create(health=health, at=at, before="unknown", after="healthy")
        for period in HealthRollup.Period.values:
            HealthRollup.objects.create(health=health, period=period, start=at)

    assert tasks.prune_health() == 3 + 1 + 2 + 1

    assert (HealthCheck.objects.count(), HealthChange.objects.count()) == (1, 3)
    assert (HealthRollup.objects.filter(period="hour").count(), HealthRollup.objects.filter(period="day").count()) == (
        2,
        3,
    )
    assert tasks.prune_health() == 0


def test_a_result_whose_claim_was_lost_is_not_recorded(alice: Api) -> None:
    schedule.row_of(server_of(alice.server()))
    make_due()
    mine, theirs = uuid4(), uuid4()
    (health,) = schedule.claim(claim=mine, limit=5)

    assert schedule.claim(claim=theirs, limit=5) == []
    recording.record(asked=health, result=BAD, claim=theirs)
    assert not HealthCheck.objects.exists()
    recording.record(asked=health, result=GOOD, claim=mine)
    recording.record(asked=health, result=BAD, claim=mine)
    assert [row.status for row in HealthCheck.objects.all()] == ["healthy"]


def test_an_answer_of_a_former_address_is_none_of_the_new_one(alice: Api) -> None:
    server = alice.server()
    make_due()
    claim = uuid4()
    (health,) = schedule.claim(claim=claim, limit=5)
    alice.patch(f"servers/{server['id']}", {"base_url": "http://elsewhere.example:8000"})

    recording.record(asked=health, result=BAD, claim=claim)

    assert not HealthCheck.objects.exists()
    assert list(ProviderHealth.objects.due()) == [health]


def test_the_proxy_is_asked_whether_it_is_ready_while_there_is_one(upstream: Upstream, settings: Any, db: None) -> None:
    settings.LITELLM_PROXY_URL = upstream.origin
    upstream.behave("/health/readiness", "status-503")

    assert check() == 1

    health = ProviderHealth.objects.get(subject="proxy")
    assert (str(health), health.kind, health.status) == ("LiteLLM proxy", "Proxy", "unhealthy")
    assert [call.path for call in upstream.calls] == ["/health/readiness"]
    settings.LITELLM_PROXY_URL = ""
    assert check() == 0


def test_the_claim_of_who_died_runs_out(alice: Api, upstream: Upstream) -> None:
    server = alice.server(base_url=upstream.origin)
    make_due()
    schedule.claim(claim=uuid4(), limit=5)
    assert run.run() == 0

    ProviderHealth.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))

    assert run.run() == 1
    assert health_of(server).status == "healthy"


def test_a_server_deleted_while_it_is_asked_leaves_nothing_behind(alice: Api) -> None:
    server = alice.server()
    make_due()
    claim = uuid4()
    (health,) = schedule.claim(claim=claim, limit=5)
    assert alice.delete(f"servers/{server['id']}").status == 204

    recording.record(asked=health, result=BAD, claim=claim)

    assert not ProviderHealth.objects.exists()
    assert not HealthCheck.objects.exists()


def test_so_many_are_asked_at_once_and_no_more(alice: Api, upstream: Upstream, settings: Any) -> None:
    settings.HEALTH_CONCURRENCY = 3
    for n in range(8):
        alice.server(name=f"gpu{n}", base_url=upstream.origin)
    upstream.behave(MODELS, "slow-first-byte:0.3")
    make_due()

    assert run.run() == 8

    asked_at = sorted(call.at for call in upstream.calls)
    assert min(fourth - first for first, fourth in zip(asked_at, asked_at[3:], strict=False)) >= 0.29


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_one_at_a_time(alice: Api, upstream: Upstream) -> None:
    alice.server(base_url=upstream.origin)
    upstream.behave(MODELS, "slow-first-byte:1")
    make_due()
    runner = threading.Thread(target=_run_and_hang_up)
    runner.start()
    eventually(lambda: len(upstream.calls) == 1)
    make_due()

    assert run.run() == 0

    runner.join(20)
    assert len(upstream.calls) == 1
    assert HealthCheck.objects.count() == 1


def _run_and_hang_up() -> None:
    from django.db import connection

    try:
        run.run()
    finally:
        connection.close()
