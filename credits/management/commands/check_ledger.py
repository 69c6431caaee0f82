"""`manage.py check_ledger`: exit 0 and "0 problems", else each problem and exit 1."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from credits import checker


class Command(BaseCommand):
    help = "Check every invariant of the ledger. Safe while traffic runs."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = checker.check()
        for problem in problems:
            self.stdout.write(str(problem))
        self.stdout.write(f"{len(problems)} problem{'' if len(problems) == 1 else 's'}")
        if problems:
            sys.exit(1)
