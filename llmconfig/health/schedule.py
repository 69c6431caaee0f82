"""Who is checked when, and by whom: a claim keeps two workers, and a task delivered twice, from checking one twice."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from llmconfig.models import AIServer, ProviderHealth, ProviderKey
from llmconfig.services import probe

# A claim outlives the longest check by this; whoever dies with one leaves it to the next then.
_CLAIM_S = 60
# A state that is being doubted is looked at again after this part of the interval.
_HASTE = 0.25
_JITTER = 0.2
# New providers are spread over this, so that an installation's first start asks nobody all at once.
_SPREAD_S = 5


def enrol() -> None:
    """Give every enabled provider, and the proxy, the row that it lacks, due at once or a few seconds later."""
    servers = AIServer.objects.enabled().filter(provider_health__isnull=True)
    keys = ProviderKey.objects.enabled().filter(provider_health__isnull=True)
    rows = [ProviderHealth(subject=f"server:{server.pk}", server=server, due_at=_soon()) for server in servers]
    rows += [_of_key(key) for key in keys]
    proxy = ProviderHealth.PROXY
    if settings.LITELLM_PROXY_URL and not ProviderHealth.objects.filter(subject=proxy).exists():
        rows.append(ProviderHealth(subject=proxy, due_at=_soon()))
    if rows:
        ProviderHealth.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)


def _of_key(key: ProviderKey) -> ProviderHealth:
    message = "" if key.encrypted_key_id else probe.NO_KEY.message
    return ProviderHealth(subject=f"key:{key.pk}", key=key, due_at=_soon(), message=message)


def row_of(provider: AIServer | ProviderKey) -> ProviderHealth:
    """The provider's row, made where it is missing."""
    kind = "server" if isinstance(provider, AIServer) else "key"
    row, _ = ProviderHealth.objects.get_or_create(
        subject=f"{kind}:{provider.pk}", defaults={kind: provider, "due_at": timezone.now()}
    )
    return row


def claim(*, claim: UUID, limit: int) -> list[ProviderHealth]:
    """Take up to `limit` of those that are due, the longest overdue first."""
    if limit < 1:
        return []
    with transaction.atomic():
        due = ProviderHealth.objects.due().select_for_update(of=("self",), skip_locked=True).order_by("due_at")
        ids = list(due.values_list("pk", flat=True)[:limit])
        until = timezone.now() + timedelta(seconds=_CLAIM_S + settings.HEALTH_TIMEOUT_S)
        ProviderHealth.objects.filter(pk__in=ids).update(claim=claim, claimed_until=until)
    return list(ProviderHealth.objects.complete().filter(pk__in=ids))


def release(health: ProviderHealth) -> None:
    """Give a claim back, for the next look at who is due."""
    ProviderHealth.objects.filter(pk=health.pk).update(due_at=timezone.now(), claim=None, claimed_until=None)


def soon(health: ProviderHealth) -> None:
    """Have it checked by the next look at who is due."""
    ProviderHealth.objects.filter(pk=health.pk).update(due_at=timezone.now())


def interval_s(health: ProviderHealth) -> float:
    provider = health.provider
    usual = settings.HEALTH_KEY_INTERVAL_S if health.key_id else settings.HEALTH_SERVER_INTERVAL_S
    own = provider.check_interval_s if provider else None
    return float(own or usual)


def next_check(health: ProviderHealth, *, is_doubted: bool, after: datetime) -> datetime:
    """An interval later, or a part of it where the last result contradicts the state; up to a fifth earlier."""
    wait_s = interval_s(health) * (_HASTE if is_doubted else 1)
    return after + timedelta(seconds=wait_s * random.uniform(1 - _JITTER, 1))  # noqa: S311 - spreads load, no secret


def _soon() -> datetime:
    return timezone.now() + timedelta(seconds=random.uniform(0, _SPREAD_S))  # noqa: S311 - the same
