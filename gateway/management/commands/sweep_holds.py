"""`sweep_holds`: end the calls of dead workers now, as the worker does every SWEEP_INTERVAL_S."""

from typing import Any

from django.core.management.base import BaseCommand

from gateway.tasks import sweep_holds
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = "End every hold without a heartbeat for LEASE_S: void it, or capture its last checkpoint."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_as(Actor.command("sweep_holds")):
            self.stdout.write(f"{sweep_holds()} holds ended")
