"""What becomes of keys that a provider refused in calls: consumers' own are unhealthy, of others operators are told.

A refusal for want of money, or of a right, is found by no health check: the free call that those make goes well.
"""

from collections.abc import Mapping

from django.utils import timezone

from llmconfig.health import news
from llmconfig.models import ProviderKey
from llmconfig.services import own_keys
from opscenter.core import alerts

_UNAUTHORIZED = 401


def note(refused: Mapping[int, int | None]) -> None:
    """`refused` has the HTTP status of each, by the key's id. Operators are told of a key once a day."""
    if not refused:
        return
    own_keys.note_refused([key_id for key_id, status in refused.items() if status == _UNAUTHORIZED])
    now = timezone.now()
    for key in ProviderKey.objects.platform().filter(pk__in=refused):
        alerts.tell_operators(news.of_refusal(key, status=refused[key.pk], at=now))
