"""`manage.py reconcile_provider FILE.csv`: exit 0 where a provider's count and ours agree, else 1 and what differs."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.reconcile import compared, export
from gateway.reconcile.compared import Line
from gateway.reconcile.table import table, totals
from gateway.usage import pruned


class Command(BaseCommand):
    help = "Compare a provider's usage export (CSV) with ours, by day and model."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--provider", help="count ours of this provider alone, such as openai; default: of all")
        parser.add_argument("--timezone", default="UTC", help="whose days the export has (default: %(default)s)")
        parser.add_argument("--columns", default="", help="day=COLUMN,model=COLUMN,input_tokens=COLUMN+COLUMN,...")
        parser.add_argument(
            "--model", action="append", default=[], metavar="THEIRS=OURS", help="what the export calls a model of ours"
        )
        parser.add_argument("--tolerance", default="1", help="percent that may differ (default: %(default)s)")
        parser.add_argument("--all", action="store_true", help="show what agrees, too")

    def handle(self, *args: Any, **options: Any) -> None:
        zone, tolerance = _zone(options["timezone"]), _percent(options["tolerance"])
        chosen = _pairs(options["columns"].split(","), "--columns")
        columns = {name: tuple(names.split("+")) for name, names in chosen.items()}
        try:
            theirs = export.read(options["file"], chosen=columns, zone=zone)
        except export.ExportRefused as refusal:
            raise CommandError(f"{options['file']}: {refusal}") from refusal
        days = [day for day, _ in theirs.rows]
        if month := pruned.any_between(min(days), max(days)):
            raise CommandError(f"The attempts of {month:%Y-%m} are no longer kept: give the days after it.")
        ours = compared.ours(first=min(days), last=max(days), zone=zone, provider=options["provider"])
        models = {model for _, model in ours}
        renamed = compared.named_as_ours(theirs.rows, models, _pairs(options["model"], "--model"))
        measures = theirs.mapped.measures
        lines = compared.compared(renamed, ours, measures=measures, tolerance_percent=tolerance)
        self.stdout.write(f"{min(days)} to {max(days)} ({zone}): {theirs.mapped}")
        differing = self._tell(lines, measures, everything=options["all"])
        pairs = len({(line.day, line.model) for line in lines})
        self.stdout.write(f"{differing} of {pairs} days of a model differ by more than {tolerance} %")
        if differing:
            sys.exit(1)

    def _tell(self, lines: list[Line], measures: Sequence[str], *, everything: bool) -> int:
        """Returns how many days of a model differ."""
        differing = [line for line in lines if line.differs]
        for text in (*table(lines if everything else differing), *totals(lines, measures)):
            self.stdout.write(text)
        return len({(line.day, line.model) for line in differing})


def _pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        if not text.strip():
            continue
        name, sign, value = text.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise CommandError(f"{option}: {text!r} is no NAME=VALUE.")
        pairs[name.strip()] = value.strip()
    return pairs


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CommandError(f"--timezone: {name!r} is unknown. Give one such as UTC or Europe/Berlin.") from error


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        raise CommandError(f"--tolerance: {text!r} is no number of percent.") from None
    if not 0 <= percent <= 100:
        raise CommandError(f"--tolerance: {text} is not between 0 and 100 %.")
    return percent
