"""Composed calls whose process is killed, or told to stop, between two of their calls: one hold, one end, one bill."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx
import pytest

from gateway.counting import count_prompt
from tests.e2e.world import HELLO, NANO_PER_TOKEN, WITHOUT_TLS, World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.proofs.books import Books, balance_is_what_was_not_charged
from tests.upstream import Upstream

pytestmark = pytest.mark.once

PATIENCE_S = 60
HASTY = {"LEASE_S": "2", "HEARTBEAT_S": "0.3", "SHUTDOWN_GRACE_S": "4", "DRAIN_S": "1"}
MODELS = ("thinker", "quick", "writer")
WRITE_ESSAY = (
    "from tests.gateway.workflows.writing import write; "
    "write('essay', model='writer', outline='{{ input }}', text='{{ steps.outline }}', max_tokens=300)"
)
STEP, LAST_STEP = "says:A thought.", "says:The last one. [ready to answer]"
# The most that was said, in tokens, of what waits at its gate.
FEW = 12


class Row(NamedTuple):
    id: Any
    parent: Any
    requested_model: str
    status: str
    basis: str
    charged: int
    expense: int


@pytest.fixture(scope="module")
def world(running_upstream_server: Upstream) -> Iterator[World]:
    with LiveServer(workers=1, environment=HASTY) as live:
        live.manage("shell", "-v0", "-c", WRITE_ESSAY)
        world = World(live)
        server = world.add_server("upstream", running_upstream_server.base_url)
        for name in MODELS:
            world.offer(name, [{"server": server, "model": name}])
        world.wait_for(*MODELS)
        yield world
        world.books_balance()
        world.usage_is_the_ledgers()
        balance_is_what_was_not_charged(world, Books(world))
        world.close()


@pytest.fixture(autouse=True)
def up(world: World) -> None:
    if not world.live.started or world.live.started[0].poll() is not None:
        world.live.start()


def reason(world: World, model: str) -> httpx.Response:
    body = {"model": model, "messages": HELLO, "max_tokens": 200, "stream": True}
    return send(world, "/chat/completions", body, {"X-Routing-Mode": "reasoning"})


def execute(world: World, key: str) -> httpx.Response:
    return send(world, "/workflows/execute", {"workflowId": "essay", "input": "Fog"}, {"Idempotency-Key": key})


def send(world: World, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    url = world.live.base_url + path
    return httpx.post(url, json=body, headers=world.bearer() | headers, timeout=PATIENCE_S, verify=WITHOUT_TLS)


def test_a_killed_worker_leaves_what_a_client_had_to_pay_and_nothing_else(world: World, upstream: Upstream) -> None:
    upstream.behave("thinker", STEP, "gate:3")
    upstream.behave("writer", "says:An outline.", "slow-first-byte:600", "ok")
    before = rows(world)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(reason, world, "thinker"), pool.submit(execute, world, "killed")]
        in_second_call(upstream, "thinker", "writer")
        first, second = upstream.calls.for_model("thinker")
        had = first.usage["total_tokens"] + count_prompt(second.body["messages"])
        eventually(lambda: had * NANO_PER_TOKEN < checkpoint(world), PATIENCE_S)
        world.live.kill_worker()
        assert all(map(broke, calls))
    most = checkpoint(world)
    eventually(lambda: swept(world), PATIENCE_S, what=lambda: world.live.log[-4000:])

    reasoned, executed = sorted(rows(world) - before, key=lambda row: -row.charged)
    assert (reasoned.parent, reasoned.status, reasoned.basis, reasoned.charged) == (None, "lost", "checkpoint", most)
    assert most <= (had + FEW) * NANO_PER_TOKEN
    # Of what comes in one piece nobody had anything.
    assert (executed.parent, executed.status, executed.basis, executed.charged) == (None, "lost", "void", 0)
    world.live.start()
    assert execute(world, "killed").status_code == 200
    assert len(upstream.calls.for_model("writer")) == 4
    # Those of the two that were killed, and of the execution with its steps.
    eventually(lambda: len(rows(world) - before) == 2 + 3)


def test_a_stop_lets_end_what_can_in_its_grace_and_charges_what_else_was_said(world: World, upstream: Upstream) -> None:
    upstream.behave("thinker", STEP, "chunks:3000:0.05")
    upstream.behave("quick", LAST_STEP, "gate:3")
    upstream.behave("writer", "says:An outline.", "slow-first-byte:600")
    before = rows(world)
    with ThreadPoolExecutor(4) as pool:
        cut, whole = pool.submit(reason, world, "thinker"), pool.submit(reason, world, "quick")
        pool.submit(execute, world, "stopped")
        in_second_call(upstream, "thinker", "quick", "writer")
        stopping = pool.submit(world.live.stop)
        eventually(lambda: refuses(world), PATIENCE_S)
        upstream.release()
        assert whole.result().text.endswith("data: [DONE]\n\n")
        stopping.result()
    assert "[DONE]" not in said(cut)

    found = rows(world) - before
    ended = {model: ends(found, model) for model in MODELS}
    assert ended["quick"] == [("succeeded", "provider", True), ("succeeded", "provider", True)]
    assert ended["thinker"] == [("succeeded", "provider", True), ("disconnected", "counted", True)]
    assert ended["writer"] == [("succeeded", "void", False), ("disconnected", "void", False)]
    assert {row.requested_model: (row.status, row.charged) for row in found if row.parent is None} == {
        "quick": ("succeeded", 0),
        "thinker": ("disconnected", 0),
        "auto": ("refused", 0),
    }
    assert next(row for row in found if row.requested_model == "writer" and row.status == "succeeded").expense > 0


def in_second_call(upstream: Upstream, *models: str) -> None:
    """Each has said all of its first, and some of its second where that says anything."""
    eventually(lambda: all(len(upstream.calls.for_model(model)) == 2 for model in models), PATIENCE_S)


def checkpoint(world: World) -> int:
    ((amount,),) = world.live.query("SELECT MAX(checkpoint_amount) FROM credits_holds WHERE state = 'HELD'")
    return int(amount)


def swept(world: World) -> bool:
    """Once the lease of what was killed is over."""
    world.live.manage("sweep_holds")
    return world.open_holds() == 0


def rows(world: World) -> set[Row]:
    names = "id, parent_id, requested_model, status, billing_basis, charged_nano, expense_nano"
    return {Row(*row) for row in world.live.query(f"SELECT {names} FROM llm_requests")}


def ends(found: set[Row], model: str) -> list[tuple[str, str, bool]]:
    """Of the inner calls of `model`: their status, basis, and whether they are charged."""
    parts = sorted((row for row in found if row.parent and row.requested_model == model), key=lambda row: str(row.id))
    return [(row.status, row.basis, row.charged > 0) for row in parts]


def refuses(world: World) -> bool:
    try:
        httpx.get(world.live.url, verify=WITHOUT_TLS)
    except httpx.ConnectError:
        return True
    return False


def broke(call: "Future[httpx.Response]") -> bool:
    return isinstance(call.exception(PATIENCE_S), httpx.TransportError)


def said(call: "Future[httpx.Response]") -> str:
    """Nothing of a connection that was cut."""
    return "" if call.exception(PATIENCE_S) else call.result().text
