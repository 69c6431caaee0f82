"""`remove_second_factor NAME`: for who lost the device and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import User
from opscenter.core.signin import second_factor


class Command(BaseCommand):
    help = "Remove the second factor of a user who lost it. Make sure first that it is they who ask."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.")
        with acting_as(Actor.command("remove_second_factor")):
            removed = second_factor.remove(user)
        if not removed:
            raise CommandError(f"{username} has no second factor.")
        self.stdout.write(f"{username} signs in by password alone now.")
