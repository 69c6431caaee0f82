"""`lift_lockouts`: forget failed sign-ins, all of them or those of a name or an address."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from opscenter.core.audit import Actor, acting_as
from opscenter.core.signin import lockouts


class Command(BaseCommand):
    help = "Forget failed sign-ins, and with them the lockouts they brought. Everybody's unless narrowed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--username", help="only those of this user name")
        parser.add_argument("--address", help="only those from this IP address; of IPv6, the network's first address")

    def handle(self, *args: Any, username: str | None, address: str | None, **options: Any) -> None:
        attempts = lockouts.counted()
        if username:
            attempts = attempts.filter(username=username)
        if address:
            attempts = attempts.filter(ip_address=address)
        with acting_as(Actor.command("lift_lockouts")):
            self.stdout.write(f"{lockouts.lift(attempts)} failed sign-ins are forgotten.")
