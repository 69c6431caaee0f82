"""What the worker does for providers: rotates keys, looks how providers are, keeps the LiteLLM proxy in
sync. All are idempotent.
"""

from celery import shared_task

from llmconfig.health import rollups, run
from llmconfig.models import ProxyState
from llmconfig.services import due_rotations, proxy_sync


@shared_task
def rotate_due_keys() -> dict[str, int]:
    """Put staged keys into use, then erase former ones; how many of each. Idempotent."""
    return {"activated": due_rotations.activate(), "revoked": due_rotations.revoke()}


@shared_task
def remind_of_rotations() -> int:
    """Returns how many keys are due for rotation. Idempotent."""
    return due_rotations.remind()


@shared_task
def check_health() -> int:
    """Check whoever is due; returns how many."""
    return run.run()


@shared_task
def prune_health() -> int:
    """Returns how many rows."""
    return rollups.prune()


@shared_task
def sync_proxy() -> str:
    """Asked for by a user; returns how the proxy stands then. Idempotent."""
    return _said(proxy_sync.sync(reload=True))


@shared_task
def sync_proxy_on_change() -> bool:
    """Whether the proxy was told. Idempotent."""
    return proxy_sync.sync_when_still()


@shared_task
def reconcile_proxy() -> str:
    """How the proxy stands. Idempotent."""
    return _said(proxy_sync.sync())


def _said(state: ProxyState | None) -> str:
    return state.status if state else "busy"
