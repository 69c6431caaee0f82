"""A client that goes away from a workflow, and a process that stops: what ran is charged, and what didn't isn't."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Hold
from gateway import runtime
from gateway.models import IdempotentCall, RequestRow
from gateway.tasks import sweep_holds
from gateway.usage import check
from gateway.usage.check import Days
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.workflows.conftest import Execute
from tests.gateway.workflows.writing import write
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_ESSAY = {"workflowId": "essay", "input": "Fog"}
_GATE = "gate:1"
Leave = Callable[..., None]


@pytest.fixture
def leave(serving: InProcess, key: str, upstream: Upstream) -> Leave:
    write("essay", one="{{ input }}", two="And {{ input }}", model="m1", max_tokens=300)
    serving.sees_changes()

    def leave(*specs: str, **headers: str) -> None:
        """As soon as the last of so many calls has begun to be answered, or to be silent."""
        upstream.behave("m1", *specs)
        is_silent = "slow" in specs[-1]

        def is_there() -> bool:
            made = upstream.calls
            return len(made) == len(specs) and (is_silent or made[-1].events_sent >= 1)

        serving.leave_call(key, _ESSAY, headers, once=is_there, path="/v1/workflows/execute")

    return leave


def _ended() -> tuple[RequestRow, list[RequestRow]]:
    """The one execution and its steps, once all is written, in books that agree."""
    eventually(lambda: RequestRow.objects.filter(parent_id=None).exclude(status="lost").exists())
    whole = RequestRow.objects.get(parent_id=None)
    assert Hold.objects.get().state != Hold.State.HELD
    assert list(checker.check()) == []
    today = timezone.now().date()
    assert check.check(Days(today - timedelta(days=1), today, settled_after=timedelta(0))) == []
    return whole, list(RequestRow.objects.filter(parent_id=whole.pk).order_by("pk"))


@pytest.mark.parametrize("specs", [(_GATE,), ("ok", _GATE)])
def test_the_step_that_runs_is_finished_and_charged_and_no_other_begins(
    leave: Leave, upstream: Upstream, specs: tuple[str, ...]
) -> None:
    leave(*specs)
    upstream.release()

    whole, steps = _ended()
    assert [(step.status, step.billing_basis) for step in steps][-1] == ("disconnected", "provider")
    assert (whole.status, whole.error_code, len(steps)) == ("disconnected", "", len(specs))
    assert len(upstream.calls) == len(specs)
    assert all(step.charged_nano > 0 for step in steps)
    assert sum(step.charged_nano for step in steps) == Hold.objects.get().captured


def test_a_step_that_takes_too_long_for_nobody_is_given_up(leave: Leave, settings: Settings) -> None:
    """What it was sent has to be paid for, as of any call that its client gave up."""
    settings.DRAIN_S = 0.1
    leave("ok", "slow-first-byte:20")

    whole, (one, two) = _ended()
    assert (whole.status, one.status, two.status) == ("disconnected", "succeeded", "disconnected")
    assert (two.billing_basis, two.completion_tokens) == ("counted", 0)
    assert one.charged_nano + two.charged_nano == Hold.objects.get().captured


def test_who_will_ask_again_finds_the_result(leave: Leave, execute: Execute, upstream: Upstream) -> None:
    leave(_GATE, **{"Idempotency-Key": "k1"})
    upstream.behave("m1", "ok")
    upstream.release()

    eventually(lambda: IdempotentCall.objects.exclude(answer="").exists())
    whole, steps = _ended()
    again = execute("essay", "Fog", {"Idempotency-Key": "k1"})

    assert (again.headers["idempotent-replayed"], again.json()["id"]) == ("true", str(whole.pk))
    assert [step["name"] for step in again.json()["steps"]] == ["one", "two"]
    assert (len(steps), len(upstream.calls)) == (2, 2)


def test_a_stop_between_two_steps_is_free_since_nobody_has_anything(
    leave: Leave, serving: InProcess, upstream: Upstream
) -> None:
    leave(_GATE)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(serving.run, runtime.stop())
        eventually(lambda: serving.runtime.inflight.stopping)
        upstream.release()
        stopping.result()

    whole, (one,) = _ended()
    assert (whole.status, whole.billing_basis, one.charged_nano) == ("refused", "void", 0)
    assert one.expense_nano > 0
    assert Hold.objects.get().captured is None


def test_what_the_sweep_took_too_early_is_what_a_living_worker_shares_out(leave: Leave, upstream: Upstream) -> None:
    """Nothing, since nothing was delivered; what the steps cost is the operator's."""
    leave(_GATE)
    Hold.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert sweep_holds() == 1
    upstream.release()

    whole, (one,) = _ended()
    assert (whole.status, one.status, one.charged_nano) == ("disconnected", "disconnected", 0)
    assert one.overrun_nano > 0
