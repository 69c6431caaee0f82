"""`erase_unreadable_keys`: for a ring of which a key is lost for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from llmconfig.services import unreadable_keys
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = (
        "Erase the API keys of servers and providers that no key of BYOK_ENCRYPTION_KEY opens, so that they can be "
        "entered again. Only says which, unless --yes is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--yes", action="store_true", help="erase them; no backup of the ring brings them back then"
        )

    def handle(self, *args: Any, yes: bool, **options: Any) -> None:
        if not yes:
            for row, versions in unreadable_keys.find():
                self.stdout.write(f"{row}: {len(versions)} can't be read")
            self.stdout.write("Nothing was changed. Look for the lost key first; with --yes these are erased.")
            return
        with acting_as(Actor.command("erase_unreadable_keys")):
            for row, count in unreadable_keys.erase():
                self.stdout.write(f"{row}: {count} erased; enter its API key again")
