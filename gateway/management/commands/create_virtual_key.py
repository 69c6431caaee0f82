"""`create_virtual_key --user NAME`: issue a key; its last line of output is the key alone."""

from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from credits.amounts import to_nano, to_text
from credits.models import PowerLevel
from gateway.models import VirtualKey
from gateway.services import onboarding
from gateway.services.keys import IssuedKey
from opscenter.core.audit import Actor, acting_as
from opscenter.core.errors import ServiceError
from opscenter.core.limits import Limits
from opscenter.core.tiers import Tier


def _positive(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentTypeError(f"{given!r} is no whole number above 0")
    return int(given)


class Command(BaseCommand):
    help = "Issue a virtual key; makes the user if missing. The key is the last line of the output, and is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="user name of the key's owner")
        parser.add_argument("--tier", choices=Tier.values, help="tier of the owner's account; kept unless given")
        parser.add_argument("--credits", default="0", help="credits to grant, a decimal number")
        parser.add_argument("--environment", default="dev", help="dev, test, staging, eval or prod; long forms too")
        parser.add_argument("--power-level", default="precision", help="eco, balanced or precision")
        parser.add_argument("--budget", help="credits that the key may use up per period; no limit unless given")
        parser.add_argument("--budget-period", choices=VirtualKey.BudgetPeriod.values, default="month", help="in UTC")
        parser.add_argument(
            "--rpm", type=_positive, help="requests per minute; no limit unless given; like the next two"
        )
        parser.add_argument("--tpm", type=_positive, help="tokens per minute")
        parser.add_argument("--concurrency", type=_positive, help="calls at the same time")
        parser.add_argument("--name", default="", help="what the key is for")

    def handle(self, *args: Any, **options: Any) -> None:
        if not PowerLevel.objects.filter(slug=options["power_level"]).exists():
            raise CommandError(f"There is no power level {options['power_level']!r}.")
        try:
            with acting_as(Actor.command("create_virtual_key")):
                issued = self._issue(options)
        except ServiceError as error:
            raise CommandError(error.message) from error
        self.stderr.write(f"Key {issued.row.masked} of {issued.row.user}, shown this once:")
        self.stdout.write(issued.plaintext)

    def _issue(self, options: dict[str, Any]) -> IssuedKey:
        return onboarding.issue_to(
            username=options["user"],
            tier=options["tier"],
            amount_nano=self._nano(options, "credits"),
            name=options["name"],
            environment=self._environment(options["environment"]),
            power_level=options["power_level"],
            budget_credits=options["budget"] and Decimal(to_text(self._nano(options, "budget"))),
            budget_period=options["budget_period"],
            limits=Limits(options["rpm"], options["tpm"], options["concurrency"]),
        )

    @staticmethod
    def _nano(options: dict[str, Any], name: str) -> int:
        amount_nano = to_nano(options[name])
        if amount_nano < 0:
            raise CommandError(f"--{name} must not be negative.")
        return amount_nano

    @staticmethod
    def _environment(given: str) -> str:
        if environment := VirtualKey.Environment.named(given):
            return environment.value
        raise CommandError(f"{given!r} is no environment: use one of {', '.join(VirtualKey.Environment.values)}.")
