"""`manage.py check_usage`: exit 0 and "0 problems", else each problem and exit 1."""

import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.usage.check import SETTLED_AFTER, Days, check, still_kept
from gateway.usage.repair import repair


class Command(BaseCommand):
    help = (
        "Compare the usage of each day with its requests and with the ledger: yesterday and today (UTC), unless told "
        "otherwise. Safe while traffic runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=_day, metavar="YYYY-MM-DD", help="the first day")
        parser.add_argument("--to", dest="last", type=_day, metavar="YYYY-MM-DD", help="the last day")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="have requests say what the ledger says, and sum up afresh the days that have a problem",
        )

        parser.add_argument(
            "--now",
            action="store_true",
            help="expect requests even for what the ledger said in the last ten minutes; only when nothing runs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = datetime.now(UTC).date()
        last: date = options["last"] or today
        day: date = options["first"] or last - timedelta(days=1)
        if day > last:
            raise CommandError(f"--from {day} is after --to {last}.")
        # By the database's clock, which may be ahead of this one.
        settled_after = timedelta(minutes=-1) if options["now"] else SETTLED_AFTER
        found = 0
        while day <= last:
            found += self._check(Days(day, day, settled_after), repairing=options["repair"])
            day += timedelta(days=1)
        self.stdout.write(f"{found} problem{'' if found == 1 else 's'}")
        if found:
            sys.exit(1)

    def _check(self, day: Days, *, repairing: bool) -> int:
        if not still_kept(day):
            self.stdout.write(f"{day.first} has its sums alone: the requests of that month are no longer kept.")
        problems = check(day)
        for problem in problems:
            self.stdout.write(str(problem))
        if not (problems and repairing):
            return len(problems)
        repair(day)
        self.stdout.write(f"{day.first} was summed up afresh.")
        return len(check(day))


def _day(text: str) -> date:
    return date.fromisoformat(text)
