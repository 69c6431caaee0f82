"""Tells people of changes of state and of due rotations, in the transaction that notes them."""

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from llmconfig.health import news
from llmconfig.models import HealthChange, ProviderKey
from llmconfig.models.health import Status
from opscenter.core import alerts
from opscenter.core.models import Alert


def queue(change: HealthChange) -> None:
    """Nothing of a consumer's own key, and nothing of a new provider that is well."""
    key = change.health.key
    is_news = change.after != Status.UNKNOWN and (change.before, change.after) != (Status.UNKNOWN, Status.HEALTHY)
    if is_news and not (key and key.owner_id):
        alerts.tell_operators(news.of_change(change))


def queue_reminder(key: ProviderKey) -> None:
    """That `key` is due for rotation, in place of the last reminder of it, whatever became of that."""
    alerts.withdraw(news.ROTATION_DUE, [str(key.pk)])
    alerts.tell_operators(news.of_rotation(key))


def forget_moot() -> None:
    """Reminders that waited for so long that the key was rotated meanwhile."""
    waiting = Alert.objects.filter(type=news.ROTATION_DUE, sent_at__isnull=True)
    abouts = set(waiting.values_list("about", flat=True))
    if abouts:
        due = ProviderKey.objects.due_for_rotation(timezone.now()).filter(pk__in=abouts)
        moot = abouts - {str(pk) for pk in due.values_list("pk", flat=True)}
        alerts.withdraw(news.ROTATION_DUE, moot, unsent=True)


def of(change: HealthChange) -> QuerySet[Alert]:
    return Alert.objects.filter(type=news.HEALTH_CHANGED, about=str(change.pk)).order_by("channel")


def outcomes(changes: Iterable[HealthChange]) -> dict[str, str]:
    """What became of the alerts of each change, by its id as text."""
    return alerts.outcomes(news.HEALTH_CHANGED, [str(change.pk) for change in changes])
