"""`manage.py check_margin`: what sells below cost, by the rates as they are and as measured; exit 1 with --strict."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from gateway.margin.below_cost import below_cost
from gateway.margin.report import worst

_MOST = 50


class Command(BaseCommand):
    help = "List the packages and power levels that sell below cost, and the days, models and tiers that made a loss."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="so many days of losses, today included")
        parser.add_argument("--strict", action="store_true", help="exit 1 where there is a warning")

    def handle(self, *args: Any, **options: Any) -> None:
        today = datetime.now(UTC).date()
        said = [found.text for found in below_cost()]
        for margin in worst(first=today - timedelta(days=max(1, options["days"]) - 1), last=today, most=_MOST):
            day, model, tier = margin.of
            money = f"paid ${margin.paid_usd:.4f}, providers ${margin.cost_usd:.4f}"
            said.append(f"{day}, model {model or 'unknown'}, tier {tier or 'unknown'}: {money}.")
        for text in said:
            self.stdout.write(text)
        self.stdout.write(f"{len(said)} warning{'' if len(said) == 1 else 's'}")
        if said and options["strict"]:
            sys.exit(1)
