"""Checks of the ledger are made by the worker, and what they found is kept."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone

from credits.errors import LedgerUnavailable
from credits.models import Account, LedgerCheck
from credits.services import ledger_checks
from credits.tasks import check_ledger
from opscenter.core import task_runs
from opscenter.core.models import TaskRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Path]:
    """A file broker of this test's own."""
    transport = {
        "data_folder_in": str(tmp_path),
        "data_folder_out": str(tmp_path),
        "control_folder": str(tmp_path / "control"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "broker_url", "filesystem://localhost")
        patch.setattr(current_app.conf, "broker_transport_options", transport)
        _forget_connections()
        yield tmp_path
    _forget_connections()


def _forget_connections() -> None:
    current_app._pool = None  # type: ignore[attr-defined]  # so that the next one asks the settings again
    current_app.amqp._producer_pool = None  # type: ignore[attr-defined]  # as above


def test_a_check_that_is_asked_for_waits_for_a_worker_and_then_says_what_it_found(broker: Path) -> None:
    check = ledger_checks.ask()
    assert (check.outcome, len(list(broker.glob("*.msg")))) == ("waiting", 1)

    assert check_ledger(check.pk) == 0

    check.refresh_from_db()
    assert (check.outcome, check.findings) == ("0 problems", [])
    assert check.finished_at is not None


def test_what_is_wrong_is_kept_in_words(django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("bob")
    Account.objects.filter(user=user).update(posted=5)

    assert check_ledger() == 1

    check = LedgerCheck.objects.get()
    assert check.findings == [f"I2 wallet:{user.pk}: posted is 5, its entries sum to 0"]
    assert check.asked_by == "task:check_ledger"


def test_a_check_delivered_twice_is_made_once() -> None:
    check = ledger_checks.make()
    ledger_checks.make(check.pk)

    assert LedgerCheck.objects.get().finished_at == check.finished_at


def test_a_queue_that_is_away_is_said_and_leaves_no_check_behind(broker: Path) -> None:
    broker.rmdir()

    with pytest.raises(LedgerUnavailable, match="queue is away"):
        ledger_checks.ask()

    assert not LedgerCheck.objects.exists()


def test_a_worker_is_alive_while_its_sweeps_come_through() -> None:
    assert not ledger_checks.worker_is_alive()

    task_runs.note(ledger_checks.HEARTBEAT_TASK)
    assert ledger_checks.worker_is_alive()

    TaskRun.objects.update(finished_at=timezone.now() - timedelta(seconds=3 * settings.SWEEP_INTERVAL_S + 20))
    assert not ledger_checks.worker_is_alive()


def test_a_task_that_succeeds_leaves_a_sign_of_life() -> None:
    check_ledger.apply()

    assert task_runs.age("credits.tasks.check_ledger") is not None
