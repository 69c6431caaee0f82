"""Sends what is due, each alert once. What fails is tried again for some hours, ever more seldom.

One that breaks off between sending and noting that it was sent comes again: a webhook's receiver knows it by its
webhook-id.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from opscenter.core.alerts import mail, webhook
from opscenter.core.models import Alert

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
_BATCH = 100
# Longer than a batch takes: whoever dies over one leaves it to the next after this.
_CLAIM_S = 300
_FIRST_WAIT_S, _LONGEST_WAIT_S = 10, 3600
_KEPT = timedelta(days=400)

_hooks: list[Callable[[], None]] = []


def before(hook: Callable[[], None]) -> None:
    """Have `hook()` withdraw what has become moot, before anything is sent. For AppConfig.ready."""
    if hook not in _hooks:
        _hooks.append(hook)


def deliver() -> int:
    """Returns how many were sent. Idempotent: what was sent is due no more."""
    for hook in _hooks:
        hook()
    claimed = _claim()
    letters = [alert for alert in claimed if alert.channel == Alert.Channel.EMAIL]
    calls = [alert for alert in claimed if alert.channel == Alert.Channel.WEBHOOK]
    outcomes = dict(zip(calls, webhook.post(calls), strict=True)) | mail.send(letters)
    for alert, error in outcomes.items():
        _note(alert, error)
    return sum(not error for error in outcomes.values())


def prune() -> int:
    """Forget alerts after 400 days; returns how many."""
    deleted, _ = Alert.objects.filter(due_at__isnull=True, queued_at__lt=timezone.now() - _KEPT).delete()
    return deleted


def wait_s(attempts: int) -> int:
    """10 s after the first, three times as long after each, an hour at most: some four hours in all."""
    return int(min(_FIRST_WAIT_S * 3 ** (attempts - 1), _LONGEST_WAIT_S))


@transaction.atomic
def _claim() -> list[Alert]:
    due = Alert.objects.filter(sent_at__isnull=True, due_at__lte=timezone.now()).order_by("due_at")
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_BATCH])
    later = timezone.now() + timedelta(seconds=_CLAIM_S)
    Alert.objects.filter(pk__in=ids).update(due_at=later, attempts=F("attempts") + 1)
    return list(Alert.objects.filter(pk__in=ids).order_by("queued_at", "pk"))


def _note(alert: Alert, error: str) -> None:
    now = timezone.now()
    if not error:
        Alert.objects.filter(pk=alert.pk).update(sent_at=now, due_at=None, error="")
        return
    is_over = alert.attempts >= MOST_ATTEMPTS
    log.log(logging.ERROR if is_over else logging.WARNING, "an alert by %s failed: %s", alert.channel, error)
    due_at = None if is_over else now + timedelta(seconds=wait_s(alert.attempts))
    Alert.objects.filter(pk=alert.pk).update(due_at=due_at, error=error[:300])
