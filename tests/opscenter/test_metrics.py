"""/metrics of a real installation: two web workers and a Celery worker, whichever of them is asked."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests import ROOT
from tests.e2e.world import HELLO, NANO, NANO_PER_TOKEN, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.scraped import Scraped, scrape
from tests.upstream import Upstream

pytestmark = pytest.mark.once

PATIENCE_S = 30
CALLS = 24


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=2, environment={"SWEEP_INTERVAL_S": "1", "BREAKER_FAILURES": "2"}) as live:
        live.start_worker()
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for model in ("counted", "streamed", "spread", "logged"):
            world.offer(model, [{"server": server, "model": "plain"}])
        for model in ("failing", "unlucky"):
            world.offer(model, [{"server": server, "model": "fault:status:503"}])
        world.wait_for_all_workers("counted", "streamed", "spread", "logged", "failing", "unlucky")
        yield world
        world.close()


def calls(scraped: Scraped, **labels: str) -> float:
    return scraped("opscenter_requests_total", **labels)


def scraped_when(world: World, number: float, **labels: str) -> Scraped:
    """A scrape that has `number` calls with these labels."""
    found: list[Scraped] = []

    def are_there() -> bool:
        found[:] = [scrape(world.live.url)]
        return calls(found[0], **labels) == number

    eventually(are_there, PATIENCE_S, what=lambda: f"{calls(found[0], **labels)} of {number}\n{world.live.log[-2000:]}")
    return found[0]


def test_a_plain_call_is_counted_with_its_tokens_cost_and_times(world: World) -> None:
    usage = world.chat("counted").json()["usage"]
    scraped = scraped_when(world, 1, model="counted")
    assert calls(scraped, model="counted", status="succeeded", http_status="200", streamed="false") == 1
    assert scraped("opscenter_tokens_total", model="counted", kind="prompt") == usage["prompt_tokens"]
    assert scraped("opscenter_tokens_total", model="counted", kind="completion") == usage["completion_tokens"]
    credits = usage["total_tokens"] * NANO_PER_TOKEN / NANO
    assert scraped("opscenter_charged_credits_total", model="counted") == pytest.approx(credits)
    cost_usd = usage["total_tokens"] * 2 / 1_000_000
    assert scraped("opscenter_upstream_cost_usd_total", model="counted") == pytest.approx(cost_usd)
    assert scraped("opscenter_request_duration_seconds_count", model="counted") == 1
    assert scraped("opscenter_time_to_first_token_seconds_count", model="counted") == 0


def test_a_stream_is_counted_with_its_first_token(world: World) -> None:
    assert world.stream("streamed").done
    scraped = scraped_when(world, 1, model="streamed")
    assert calls(scraped, model="streamed", streamed="true") == 1
    assert scraped("opscenter_time_to_first_token_seconds_count", model="streamed") == 1
    assert scraped("opscenter_overhead_seconds_count", streamed="true") >= 1


def test_a_models_name_that_a_client_made_up_becomes_no_label(world: World) -> None:
    before = calls(scrape(world.live.url), model="none", http_status="404")
    for number in range(3):
        assert world.chat(f"made-up-{number}").status_code == 404
    scraped = scraped_when(world, before + 3, model="none", http_status="404")
    assert not any("made-up" in str(sample.labels) for sample in scraped.samples)
    assert scraped("opscenter_error_answers_total", status="404", code="model_not_found") == before + 3


def test_a_refused_key_is_counted_as_an_error_answer(world: World) -> None:
    def refused() -> float:
        return scrape(world.live.url)("opscenter_error_answers_total", status="401", code="invalid_api_key")

    before = refused()
    assert world.chat("counted", key=world.key + "x").status_code == 401
    eventually(lambda: refused() == before + 1, PATIENCE_S)


def test_failures_of_a_deployment_are_counted_and_open_its_breaker(world: World) -> None:
    def opened() -> bool:
        world.chat("failing")
        scraped = scrape(world.live.url)
        return scraped("opscenter_breaker_processes", state="open") >= 1

    eventually(opened, PATIENCE_S)
    scraped = scrape(world.live.url)
    (deployment,) = scraped.values_of("opscenter_breaker_processes", "deployment")
    eventually(
        lambda: (
            scrape(world.live.url)("opscenter_upstream_attempts_total", deployment=deployment, outcome="servererror")
            >= 2
        ),
        PATIENCE_S,
        what=lambda: str(scraped.values_of("opscenter_upstream_attempts_total", "outcome")),
    )


def test_what_a_limit_kept_back_is_counted(world: World) -> None:
    printed = world.live.manage("create_virtual_key", "--user", "carol", "--tier", "starter", "--rpm", "1")
    key = printed.strip().splitlines()[-1]
    world.wait_for("counted", key=key)

    # Each of two workers gives out a share of one.
    refused = [world.chat("counted", key=key).status_code for _ in range(6)].count(429)

    assert refused >= 4
    eventually(
        lambda: scrape(world.live.url)("opscenter_limit_refusals_total", owner="key", limit="rpm") == refused,
        PATIENCE_S,
    )


def test_the_state_of_processes_and_shared_parts_is_there(world: World) -> None:
    ours = {f"web-{pid}" for pid in world.live.web_workers} | {f"worker-{world.live.started[-1].pid}"}
    # Nobody has waited for the Celery worker to start.
    eventually(
        lambda: scrape(world.live.url).values_of("opscenter_process_resident_memory_bytes", "pid") == ours, PATIENCE_S
    )
    scraped = scrape(world.live.url)
    assert {
        "opscenter_calls_in_flight",
        "opscenter_queue_waiting",
        "opscenter_open_holds",
        "opscenter_oldest_open_hold_seconds",
        "opscenter_tasks_waiting",
    } <= scraped.names
    assert scraped("opscenter_database_up") == 1
    assert scraped("opscenter_limits_away_processes") == 0
    assert scraped("opscenter_routing_away_processes") == 0
    assert len(scraped.values_of("opscenter_snapshot_age_seconds", "pid")) == 2
    assert len(scraped.values_of("opscenter_event_loop_tasks", "pid")) == 2
    assert scraped("opscenter_process_cpu_seconds") > 0


def test_every_metric_is_described_for_operators(world: World) -> None:
    described = (ROOT / "docs" / "observability.md").read_text()
    for name in scrape(world.live.url).names:
        assert f"`{re.sub(r'_(bucket|sum|count)$', '', name)}`" in described


def test_tasks_of_the_celery_worker_are_counted_with_those_of_the_web(world: World) -> None:
    def swept() -> float:
        return scrape(world.live.url)("opscenter_tasks_total", task="gateway.tasks.sweep_holds", outcome="success")

    eventually(lambda: swept() >= 2, PATIENCE_S, what=lambda: world.live.log[-4000:])
    assert scrape(world.live.url)("opscenter_task_duration_seconds_count", task="gateway.tasks.sweep_holds") >= 2


def test_workers_add_up_and_a_killed_ones_counts_stay_while_its_gauges_go(world: World) -> None:
    def call(_: int) -> int:
        body = {"model": "spread", "messages": HELLO, "max_tokens": 5}
        url = f"{world.live.url}/v1/chat/completions"
        return httpx.post(url, json=body, headers=world.bearer(), timeout=30, verify=WITHOUT_TLS).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(CALLS))) == [200] * CALLS
    scraped_when(world, CALLS, model="spread")
    killed = world.live.kill_worker()
    eventually(lambda: killed not in (now := world.live.web_workers) and len(now) == 2, PATIENCE_S)

    def follower_is_seen() -> bool:
        seen = scrape(world.live.url).values_of("opscenter_snapshot_version", "pid")
        return seen == {f"web-{pid}" for pid in world.live.web_workers}

    eventually(follower_is_seen, PATIENCE_S, what=lambda: world.live.log[-4000:])
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(CALLS))) == [200] * CALLS
    scraped_when(world, 2 * CALLS, model="spread")
    files = {path.name for path in (world.live.data_dir / "metrics").glob("*.db")}
    assert not any(f"-{killed}." in name for name in files)


def test_a_call_leaves_one_line_that_says_what_came_of_it_and_not_what_was_said(world: World) -> None:
    answer = world.chat("logged")
    request_id, usage = answer.headers["x-request-id"], answer.json()["usage"]
    (line,) = eventually(lambda: lines_of(world, request_id), PATIENCE_S)
    assert {
        "level": "info",
        "message": "call ended",
        "endpoint": "chat/completions",
        "model": "logged",
        "streamed": False,
        "status": "succeeded",
        "http_status": 200,
        "attempts": 1,
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "charged_credits": answer.headers["x-ops-cost-credits"],
    }.items() <= line.items()
    assert {"user_id", "key_id", "provider", "duration_ms", "first_token_ms", "overhead_ms"} <= line.keys()
    assert HELLO[0]["content"] not in world.live.log
    assert world.key not in world.live.log


def test_lines_of_a_failing_call_carry_its_id(world: World) -> None:
    request_id = world.chat("unlucky").headers["x-request-id"]
    failed, ended = eventually(lambda: lines if len(lines := lines_of(world, request_id)) == 2 else [], PATIENCE_S)
    assert (failed["level"], failed["logger"]) == ("warning", "gateway.dispatch")
    assert (ended["message"], ended["status"], ended["error_code"]) == ("call ended", "failed", "upstream_error")


def lines_of(world: World, request_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in world.live.log.splitlines() if request_id in line]
    return [line for line in lines if line["request_id"] == request_id]


def test_metrics_are_read_by_address_and_by_any_host_name_but_through_no_proxy(world: World) -> None:
    assert scrape(world.live.url, Host="no.such.host").names
    for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        refused = httpx.get(f"{world.live.url}/metrics", headers={header: "127.0.0.1"}, timeout=30)
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
