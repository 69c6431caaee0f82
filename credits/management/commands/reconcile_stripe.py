"""`reconcile_stripe`: the nightly comparison with Stripe, now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from credits.errors import PurchasesOff
from credits.stripe.reconciliation import DAYS, reconcile
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = "Compare purchases, refunds and disputes with Stripe's lists, and apply what is missing here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help=f"how far back; {DAYS} unless given")

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if days < 1:
            raise CommandError("--days is 1 or more.")
        with acting_as(Actor.command("reconcile_stripe")):
            try:
                row = reconcile(days=days)
            except PurchasesOff as error:
                raise CommandError("STRIPE_SECRET_KEY is not set: nothing is for sale.") from error
        self.stdout.write(f"{row.sessions} sessions, {row.refunds} refunds, {row.disputes} disputes of {days} days")
        for line in row.applied:
            self.stdout.write(f"applied: {line}")
        for line in row.differences:
            self.stdout.write(f"DIFFERS: {line}")
        if row.error:
            raise CommandError(f"Not completed: {row.error}")
        if row.differences:
            raise CommandError(f"{len(row.differences)} differences")
        self.stdout.write("0 differences")
