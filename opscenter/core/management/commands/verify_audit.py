"""`manage.py verify_audit`: exit 0 and "0 problems", else each problem and exit 1."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opscenter.core import audit, audit_check
from opscenter.core.audit_check import Anchor


class Command(BaseCommand):
    help = "Read the whole audit log and say whether its hash chain is whole. Safe while others write."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            action="append",
            type=_anchor,
            default=[],
            metavar="NUMBER:HASH",
            help="an end that an earlier run printed: the chain has to go through it; may be given several times",
        )
        parser.add_argument(
            "--seal",
            action="store_true",
            help="seal the chain's head anew, after you made sure that its end is what it should be",
        )

    def handle(self, *args: Any, anchor: list[Anchor], seal: bool, **options: Any) -> None:
        if seal:
            self._seal()
        report = audit_check.check(anchor)
        for problem in report.problems:
            self.stdout.write(problem)
        count = len(report.problems)
        self.stdout.write(f"{report.entries} entries, {count} problem{'' if count == 1 else 's'}")
        self.stdout.write(f"The chain ends at {report.end}")
        if report.problems:
            sys.exit(1)

    def _seal(self) -> None:
        with audit.acting_as(audit.Actor.command("verify_audit")):
            if not audit.vouch():
                raise CommandError("Nothing was sealed: the head is sealed already, or entries are missing at the end.")


def _anchor(text: str) -> Anchor:
    number, _, entry_hash = text.partition(":")
    if not (number.isdigit() and len(entry_hash) == 64):
        raise ArgumentTypeError(f"{text} is no NUMBER:HASH as this command prints it.")
    return Anchor(int(number), entry_hash)
