"""Syncing the LiteLLM proxy: on change once things are still, on schedule, and when asked; the outcome is audited."""

from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import ChannelError, OperationalError

from llmconfig.errors import SyncUnavailable
from llmconfig.models import ProxyState
from llmconfig.proxy import desired as wanted
from llmconfig.proxy.lease import held, is_held, state
from llmconfig.proxy.modes import MODES, OFF, Mode, Outcome
from opscenter.core import audit
from opscenter.core.models import ConfigVersion

TASK = "llmconfig.tasks.sync_proxy"
_MOST_STILLNESSES = 10
"""Who changes things without end is told after so many times the wait for stillness."""


def is_on() -> bool:
    return bool(settings.LITELLM_SYNC_MODE != OFF)


def ask() -> None:
    """Hand a sync to the worker. Raises SyncUnavailable."""
    if not is_on():
        raise SyncUnavailable("The proxy isn't told anything: LITELLM_SYNC_MODE is off.")
    if is_held():
        raise SyncUnavailable("It is being synced just now: ask again when the outcome of that shows here.")
    try:
        current_app.tasks[TASK].apply_async(retry=False)
    except (ChannelError, OperationalError, OSError) as error:
        raise SyncUnavailable("The sync could not be handed to the worker: the task queue is away.") from error


def sync_when_still() -> bool:
    """Sync where the configuration has changed and then been still for LITELLM_DEBOUNCE_S; whether it was."""
    now, version = timezone.now(), ConfigVersion.objects.get(pk=1).version
    known = state()
    if version == known.synced_version:
        return False
    if version != known.seen_version:
        known.seen_version, known.seen_at, known.pending_since = version, now, known.pending_since or now
        known.save(update_fields=("seen_version", "seen_at", "pending_since"))
    stillness = timedelta(seconds=settings.LITELLM_DEBOUNCE_S)
    is_still = known.seen_at is not None and now - known.seen_at >= stillness
    is_late = known.pending_since is not None and now - known.pending_since >= _MOST_STILLNESSES * stillness
    return bool((is_still or is_late) and sync())


def sync(*, reload: bool = False) -> ProxyState | None:
    """Tell the proxy what differs; None where somebody else is at it or sync is off.

    `reload`: somebody asked for it, who finds the outcome in the audit log whatever it is; a proxy in file mode reads
    its files even where they are as they were.
    """
    return _work(reload=reload)


def look() -> ProxyState | None:
    """See how the proxy stands, and change nothing; None as above."""
    return _work(reload=None)


def _work(*, reload: bool | None) -> ProxyState | None:
    mode = MODES.get(settings.LITELLM_SYNC_MODE)
    if mode is None:
        return None
    with held() as is_ours:
        if not is_ours:
            return None
        # Read before the configuration: what changes in between is told next time.
        version = ConfigVersion.objects.get(pk=1).version
        desired = wanted.load()
        outcome = _outcome(mode, desired, reload)
        return _store(desired, outcome, version=None if reload is None else version, asked=bool(reload))


def _outcome(mode: Mode, desired: wanted.Desired, reload: bool | None) -> Outcome:
    if reload is None:
        return mode.look(desired)
    return mode.sync(desired, reload=reload or state().reload_failed)


def _store(desired: wanted.Desired, outcome: Outcome, *, version: int | None, asked: bool) -> ProxyState:
    """`version`: of the configuration that was told; None: nothing was. `asked`: somebody did, and wants to know."""
    now, known = timezone.now(), state()
    former, said = known.status, known.message
    known.status = outcome.status
    known.message = " ".join((outcome.message, *desired.left_out)).strip()
    known.differences = [
        [one.kind, one.model, one.detail] for one in outcome.differences[: ProxyState.MOST_DIFFERENCES]
    ]
    known.difference_count = len(outcome.differences)
    known.models_count = len(desired.entries)
    known.checked_at = now
    if version is not None:
        known.synced_version, known.pending_since, known.reload_failed = version, None, outcome.reload_failed
        known.synced_at = known.synced_at if outcome.status == ProxyState.Status.FAILING else now
    kept = [field.name for field in known._meta.fields if field.name not in ("id", "held_by", "held_until")]
    is_news = bool(outcome.done) or former != known.status or (bool(outcome.failed) and said != known.message)
    if not (asked or is_news):
        known.save(update_fields=kept)
        return known
    with audit.writing():
        known.save(update_fields=kept)
        _record(known, former, outcome)
    return known


def _record(known: ProxyState, former: str, outcome: Outcome) -> None:
    after = {"status": known.status, "differences": known.difference_count, **outcome.done, **outcome.failed}
    if known.message:
        after["message"] = known.message
    audit.record(
        action="sync",
        entity_type=ProxyState._meta.db_table,
        entity_id=known.pk,
        before={"status": former},
        after=after,
    )
