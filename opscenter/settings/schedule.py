"""The worker: how it takes its tasks, and when it does what nobody asks for."""

from typing import Any

from celery.schedules import crontab

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"

at_times: dict[str, dict[str, Any]] = {
    "remind-of-rotations": {"task": "llmconfig.tasks.remind_of_rotations", "schedule": crontab(hour=6, minute=7)},
    "grant-plans": {"task": "credits.tasks.grant_plans", "schedule": crontab(minute="*/5")},
    "tell-of-balances": {"task": "credits.tasks.tell_of_balances", "schedule": crontab()},
    "tell-of-budgets": {"task": "gateway.tasks.tell_of_budgets", "schedule": crontab()},
    "check-ledger": {"task": "credits.tasks.check_ledger", "schedule": crontab(hour=3, minute=17)},
    "prune-access-tokens": {"task": "gateway.tasks.prune_access_tokens", "schedule": crontab(hour=2, minute=41)},
    "prune-stored-answers": {"task": "gateway.tasks.prune_stored_answers", "schedule": crontab(minute=47)},
    "prune-alerts": {"task": "opscenter.core.tasks.prune_alerts", "schedule": crontab(hour=2, minute=57)},
    "prune-sessions": {"task": "opscenter.core.tasks.prune_sessions", "schedule": crontab(hour=2, minute=51)},
    "prune-failed-sign-ins": {"task": "opscenter.core.tasks.prune_failed_sign_ins", "schedule": crontab(minute=23)},
    "check-usage": {"task": "gateway.tasks.check_usage", "schedule": crontab(hour=3, minute=27)},
    "verify-audit": {"task": "opscenter.core.tasks.verify_audit", "schedule": crontab(hour=3, minute=37)},
    "prune-health": {"task": "llmconfig.tasks.prune_health", "schedule": crontab(minute=37)},
    "prune-requests": {"task": "gateway.tasks.prune_requests", "schedule": crontab(hour=2, minute=21)},
    "make-partitions": {"task": "gateway.tasks.make_partitions", "schedule": crontab(hour=2, minute=11)},
}

of_purchases: dict[str, dict[str, Any]] = {
    "reconcile-stripe": {"task": "credits.tasks.reconcile_stripe", "schedule": crontab(hour=4, minute=7)},
    "prune-stripe-events": {"task": "credits.tasks.prune_stripe_events", "schedule": crontab(hour=2, minute=33)},
}


def every(interval_s: float, task: str) -> dict[str, Any]:
    """One that waited for longer than its interval is overtaken by the next."""
    return {"task": task, "schedule": interval_s, "options": {"expires": max(interval_s, 1)}}
