"""`sweep_holds`: end and record the calls of dead workers now, as the worker does by itself."""

from typing import Any

from django.core.management.base import BaseCommand

from gateway.tasks import record_lost_calls, sweep_holds
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = "End holds without a heartbeat for LEASE_S: void, or capture the last checkpoint. Write missing rows."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_as(Actor.command("sweep_holds")):
            self.stdout.write(f"{sweep_holds()} holds ended")
            self.stdout.write(f"{record_lost_calls()} calls recorded")
