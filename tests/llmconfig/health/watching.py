"""Checks made now, whoever would be due only later."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from llmconfig import tasks
from llmconfig.health import schedule
from llmconfig.models import AIServer, ProviderHealth, ProviderKey


def check(times: int = 1) -> int:
    """Run the worker's task so many times, with everything due; how many were checked in all."""
    checked = 0
    for _ in range(times):
        make_due()
        checked += tasks.check_health()
    return checked


def make_due() -> None:
    schedule.enrol()
    ProviderHealth.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def health_of(row: Any) -> ProviderHealth:
    """Of what the API answered."""
    kind = {"key": ProviderKey.objects.get(pk=row["id"])} if "key_name" in row else {"server": server_of(row)}
    return ProviderHealth.objects.get(**kind)


def server_of(row: Any) -> AIServer:
    return AIServer.objects.get(pk=row["id"])
