"""What signing in leaves behind is deleted once it is over, and not before."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from opscenter.celery import app
from opscenter.core import tasks
from opscenter.core.models import User
from opscenter.core.signin import pruning
from opscenter.core.signin.lockouts import locks, marked

pytestmark = pytest.mark.django_db


def fail(name: str, times: int = 1) -> None:
    for _ in range(times):
        Client().post("/accounts/login/", {"login": name, "password": "wrong"})


def age(name: str, by: timedelta) -> None:
    AccessAttempt.objects.filter(username=name).update(attempt_time=timezone.now() - by)


def test_sessions_that_ran_out_are_deleted_and_others_go_on(root: User) -> None:
    lasting, over = Client(), Client()
    over.force_login(root)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    lasting.force_login(root)

    assert tasks.prune_sessions() == 1
    assert Session.objects.count() == 1
    assert lasting.get("/admin/").status_code == 200


def test_failures_are_deleted_once_they_count_no_more(root: User) -> None:
    fail("root", settings.AXES_FAILURE_LIMIT)
    fail("my-password-in-the-wrong-field")
    age("root", settings.AXES_COOLOFF_TIME - timedelta(minutes=1))
    age("my-password-in-the-wrong-field", settings.AXES_COOLOFF_TIME)

    assert tasks.prune_failed_sign_ins() == 1
    (left,) = marked()
    assert left.username == "root"
    assert locks(left)


def test_more_than_one_batch_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_BATCH", 2)
    past = timezone.now() - timedelta(days=1)
    Session.objects.bulk_create(Session(session_key=f"key{n}", session_data="", expire_date=past) for n in range(5))

    assert tasks.prune_sessions() == 5
    assert not Session.objects.exists()


def test_the_worker_knows_every_task_of_the_schedule() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {"opscenter.core.tasks.prune_sessions", "opscenter.core.tasks.prune_failed_sign_ins"} <= scheduled
    assert scheduled <= set(app.tasks)
