"""Tells people of changes of state and of due rotations: queued in the transaction that notes them, delivered later,
each channel once.

A delivery that fails is tried again for some hours, ever more seldom. One that breaks off between sending and noting
that it was sent comes again: a webhook's receiver knows it by its webhook-id.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from llmconfig.health import mail, webhook
from llmconfig.models import HealthAlert, HealthChange, ProviderKey
from llmconfig.models.health import Status

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 10
_BATCH = 100
# Longer than a batch takes: whoever dies over one leaves it to the next after this.
_CLAIM_S = 300
_FIRST_WAIT_S, _LONGEST_WAIT_S = 10, 3600


def queue(change: HealthChange) -> None:
    """Nothing of a consumer's own key, and nothing of a new provider that is well."""
    key = change.health.key
    is_news = change.after != Status.UNKNOWN and (change.before, change.after) != (Status.UNKNOWN, Status.HEALTHY)
    if is_news and not (key and key.owner_id):
        _queue(change=change)


def queue_reminder(key: ProviderKey) -> None:
    """That `key` is due for rotation, in place of the last reminder of it, whatever became of that."""
    HealthAlert.objects.filter(key=key).delete()
    _queue(key=key)


def _queue(**of_what: Any) -> None:
    now = timezone.now()
    HealthAlert.objects.bulk_create(HealthAlert(**of_what, channel=channel, due_at=now) for channel in channels())


def channels() -> list[str]:
    """Those that the settings give an address to."""
    addresses = {
        HealthAlert.Channel.EMAIL: settings.ALERT_EMAILS,
        HealthAlert.Channel.WEBHOOK: settings.ALERT_WEBHOOK_URL,
    }
    return [channel.value for channel, address in addresses.items() if address]


def deliver() -> int:
    """Send what is due; returns how many were sent. Idempotent: what was sent is due no more."""
    claimed = _claim()
    letters = [alert for alert in claimed if alert.channel == HealthAlert.Channel.EMAIL]
    calls = [alert for alert in claimed if alert.channel == HealthAlert.Channel.WEBHOOK]
    outcomes = dict(zip(calls, webhook.post(calls), strict=True))
    if letters:
        outcomes.update(dict.fromkeys(letters, mail.send(letters)))
    for alert, error in outcomes.items():
        _note(alert, error)
    return sum(not error for error in outcomes.values())


def _claim() -> list[HealthAlert]:
    with transaction.atomic():
        _forget_moot()
        due = HealthAlert.objects.filter(sent_at__isnull=True, due_at__lte=timezone.now()).order_by("due_at")
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_BATCH])
        later = timezone.now() + timedelta(seconds=_CLAIM_S)
        HealthAlert.objects.filter(pk__in=ids).update(due_at=later, attempts=F("attempts") + 1)
    complete = HealthAlert.objects.select_related("change__health__server", "change__health__key", "key")
    return list(complete.filter(pk__in=ids).order_by("change_id", "key_id"))


def _forget_moot() -> None:
    """Reminders that waited for so long that the key was rotated meanwhile."""
    due = ProviderKey.objects.due_for_rotation(timezone.now())
    HealthAlert.objects.filter(sent_at__isnull=True, key__isnull=False).exclude(key__in=due).delete()


def _note(alert: HealthAlert, error: str) -> None:
    now = timezone.now()
    if not error:
        HealthAlert.objects.filter(pk=alert.pk).update(sent_at=now, due_at=None, error="")
        return
    is_over = alert.attempts >= MOST_ATTEMPTS
    log.log(logging.ERROR if is_over else logging.WARNING, "an alert by %s failed: %s", alert.channel, error)
    due_at = None if is_over else now + timedelta(seconds=wait_s(alert.attempts))
    HealthAlert.objects.filter(pk=alert.pk).update(due_at=due_at, error=error[:300])


def wait_s(attempts: int) -> int:
    """10 s after the first, three times as long after each, an hour at most: some four hours in all."""
    return int(min(_FIRST_WAIT_S * 3 ** (attempts - 1), _LONGEST_WAIT_S))


def outcomes(changes: Iterable[HealthChange]) -> dict[int | None, str]:
    """What became of the alerts of each change, by its id."""
    told: dict[int | None, list[str]] = {}
    for alert in HealthAlert.objects.filter(change__in=list(changes)).order_by("channel"):
        told.setdefault(alert.change_id, []).append(f"{alert.get_channel_display()}: {alert.outcome}")
    return {change_id: "; ".join(lines) for change_id, lines in told.items()}
