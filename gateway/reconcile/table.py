"""The comparison as text."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from gateway.reconcile.compared import Line

_HEAD = ("day", "model", "measure", "provider", "ours", "difference", "")
_NUMBERS = range(3, 6)


def table(lines: Iterable[Line]) -> Iterator[str]:
    """A head and a row per line; nothing where there are none."""
    rows = [_cells(line) for line in lines]
    if not rows:
        return
    widths = [max(len(row[n]) for row in (_HEAD, *rows)) for n in range(len(_HEAD))]
    for row in (_HEAD, *rows):
        yield "   ".join(_aligned(row, widths)).rstrip()


def totals(lines: Sequence[Line], measures: Iterable[str]) -> Iterator[str]:
    for measure in measures:
        of_it = [line for line in lines if line.measure == measure]
        theirs = sum((line.theirs for line in of_it), Decimal(0))
        ours = sum((line.ours for line in of_it), Decimal(0))
        yield f"total {measure}: provider {_plain(theirs)}, ours {_plain(ours)}, difference {_signed(ours - theirs)}"


def _cells(line: Line) -> tuple[str, ...]:
    numbers = (_plain(line.theirs), _plain(line.ours), _signed(line.difference))
    return (line.day.isoformat(), line.model, line.measure, *numbers, _note(line))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for n, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.rjust(width) if n in _NUMBERS else text.ljust(width)


def _note(line: Line) -> str:
    if not line.differs:
        return ""
    if not line.ours:
        return "only in the file"
    return "differs" if line.theirs else "only here"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _signed(number: Decimal) -> str:
    return f"{number.normalize():+f}" if number else "0"
