"""A provider's usage export, read: CSV with a header. Whatever can't be understood is refused with its line."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.reconcile.amounts import Counted, Key
from gateway.reconcile.columns import Columns, ColumnsUnknown, Mapped, mapped

_DELIMITERS = ",;\t"
_MOST = Decimal(10) ** 18


class ExportRefused(Exception):
    """What is wrong with the file, with its line."""


@dataclass(frozen=True, slots=True)
class Export:
    """`rows` by day and model; `mapped` says which columns they are of."""

    mapped: Mapped
    rows: dict[Key, Counted]


def read(path: Path, *, chosen: Columns, zone: ZoneInfo) -> Export:
    """Moments count for their day in `zone`, and bare dates are days of it. Raises ExportRefused."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportRefused(f"{path} can't be read: {error}") from error
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = mapped(header, chosen)
        rows: dict[Key, Counted] = {}
        for line, cells in _filled(reader, header):
            key, counted = _Row(line, cells, columns, zone).read()
            if key is not None:
                rows.setdefault(key, Counted()).add(counted)
    except csv.Error as error:
        raise ExportRefused(f"line {reader.line_num}: this is no CSV: {error}") from error
    except ColumnsUnknown as error:
        raise ExportRefused(f"line 1: {error}") from error
    if not rows:
        raise ExportRefused("There is no usage in it.")
    return Export(columns, rows)


def _filled(reader: Any, header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ExportRefused(f"line {reader.line_num}: {len(cells)} columns, and the header has {len(header)}.")
        yield reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]
    mapped: Mapped
    zone: ZoneInfo

    def read(self) -> tuple[Key | None, Counted]:
        """Without a key where it is a day on which nothing was used."""
        counted = Counted()
        for name in self.mapped.columns.keys() - {"day", "model"}:
            setattr(counted, name, self._sum(name))
        model = self._cell("model")
        if not model:
            if counted == Counted():
                return None, counted
            raise self._refused("there is usage, and no model", "model")
        if self.mapped.each_row_is_a_request:
            counted.requests = Decimal(1)
        return (self._day(), model), counted

    def _sum(self, name: str) -> Decimal | None:
        numbers = [self._number(column, negative=name == "cost_usd") for column in self.mapped.columns[name]]
        given = [number for number in numbers if number is not None]
        return sum(given, Decimal(0)) if given else None

    def _number(self, column: str, *, negative: bool) -> Decimal | None:
        text = self.cells[column]
        if not text:
            return None
        try:
            number = Decimal(text.removeprefix("$").replace(",", ""))
        except InvalidOperation:
            raise self._refused(f"{text[:40]!r} is no number", column) from None
        if not number.is_finite() or abs(number) > _MOST or (number < 0 and not negative):
            raise self._refused(f"{text[:40]!r} is out of range", column)
        return number

    def _day(self) -> date:
        text = self._cell("day")
        for parse in _DAYS:
            try:
                moment = parse(text)
            except (ValueError, OverflowError, OSError):
                continue
            if isinstance(moment, datetime):
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self.zone).date()
            return moment
        raise self._refused(f"{text[:40]!r} is neither a date (YYYY-MM-DD) nor a moment", self.mapped.columns["day"][0])

    def _cell(self, name: str) -> str:
        return self.cells[self.mapped.columns[name][0]]

    def _refused(self, what: str, column: str) -> ExportRefused:
        return ExportRefused(f"line {self.line}: {what} (column {column}).")


def _plain_day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone


def _unix_time(text: str) -> datetime:
    return datetime.fromtimestamp(int(text), UTC)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC"))


_DAYS: tuple[Callable[[str], date], ...] = (_plain_day, _unix_time, _moment)
