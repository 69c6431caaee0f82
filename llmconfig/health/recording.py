"""What a check found becomes history, and maybe a change of state: in one transaction, for one claim, once.

Bookkeeping is neither audited nor announced. What routing goes by is: the version row counts up where a provider
becomes unhealthy or ceases to be, so that every worker knows within a second.
"""

import logging
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from llmconfig.health import alerts, rollups, schedule
from llmconfig.health.states import State, judged
from llmconfig.models import AIServer, HealthChange, ProviderHealth, ProviderKey
from llmconfig.models.health import Status
from llmconfig.services.probe import Probe
from opscenter.core import audit, changes

log = logging.getLogger(__name__)


def record(*, asked: ProviderHealth, result: Probe, claim: UUID) -> HealthChange | None:
    """Nothing where `claim` was lost or the provider is gone.

    `asked` is the row as it was claimed: what a provider answered under a former address or key is no answer.
    Locks the provider, then its health.
    """
    # While the claim holds nobody else judges: the row is as it was, and so is what follows from the result.
    after = _judged(asked, result, needed=_needed(asked)).status
    with _transaction(announces=_routing_goes_by(asked.status, after)):
        health = _locked(asked)
        if health is None or health.claim != claim:
            return None
        if _changed_at(health) != _changed_at(asked):
            schedule.release(health)
            return None
        return _store(health, result, needed=_needed(health))


def record_test(provider: AIServer | ProviderKey, result: Probe) -> HealthChange | None:
    """An operator's own test counts at once: the state is what it found. Locks the audit log, for it may announce."""
    with audit.writing():
        health = _locked(schedule.row_of(provider))
        return _store(health, result, needed=1) if health else None


def _transaction(*, announces: bool) -> AbstractContextManager[None]:
    """Who changes the version row locks the audit log before any other row, lest two wait for each other."""
    return audit.writing() if announces else transaction.atomic()


def _routing_goes_by(before: str, after: str) -> bool:
    return before != after and Status.UNHEALTHY in (before, after)


def _locked(health: ProviderHealth) -> ProviderHealth | None:
    """The provider first, as whoever deletes one does; or a result could come between what is deleted with it."""
    if provider := health.provider:
        type(provider)._default_manager.select_for_update(of=("self",)).filter(pk=provider.pk).first()
    rows = ProviderHealth.objects.select_for_update(of=("self",)).select_related("server", "key")
    return rows.filter(pk=health.pk).first()


def _needed(health: ProviderHealth) -> int:
    """Results in a row that change the state: one alone where it was of another address or key."""
    changed_at = _changed_at(health)
    is_new = health.checked_at is None or (changed_at is not None and changed_at > health.checked_at)
    return 1 if is_new else settings.HEALTH_CONFIRMATIONS


def _changed_at(health: ProviderHealth) -> datetime | None:
    return health.provider.updated_at if health.provider else None


def _store(health: ProviderHealth, result: Probe, *, needed: int) -> HealthChange | None:
    now, before = timezone.now(), health.status
    state = _judged(health, result, needed=needed)
    if result.status != Status.UNKNOWN:
        health.checks.create(at=now, status=result.status, latency_ms=result.latency_ms, message=result.message)
        rollups.count(health, result, at=now)
    _update(health, state, result, now)
    return _changed(health, before, now) if state.status != before else None


def _judged(health: ProviderHealth, result: Probe, *, needed: int) -> State:
    return judged(State(health.status, health.pending, health.streak), result.status, needed=needed)


def _update(health: ProviderHealth, state: State, result: Probe, now: datetime) -> None:
    if state.status != health.status or health.since is None:
        health.since = now
    health.status, health.pending, health.streak = state.status, state.pending, state.streak
    health.checked_at, health.latency_ms, health.message = now, result.latency_ms, result.message
    health.due_at = schedule.next_check(health, is_doubted=bool(state.pending), after=now)
    health.claim = health.claimed_until = None
    health.save()
    if health.server_id:
        AIServer.objects.filter(pk=health.server_id).update(last_health_check=now, health_status=state.status)


def _changed(health: ProviderHealth, before: str, now: datetime) -> HealthChange:
    change = HealthChange.objects.create(
        health=health, at=now, before=before, after=health.status, message=health.message
    )
    level = logging.INFO if change.after in (Status.HEALTHY, Status.UNKNOWN) else logging.WARNING
    log.log(level, "%s is %s, was %s: %s", health, change.after, before, change.message)
    if _routing_goes_by(before, health.status):
        changes.bump()
    alerts.queue(change)
    return change
