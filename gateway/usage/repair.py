"""Makes the sums of days what requests and ledger say. The ledger is never touched: it is what the others follow."""

from django.db import connection, transaction
from django.db.models import F

from gateway import lost
from gateway.models import MarginStat, RequestRow, UsageStat
from gateway.recorder import Record, write
from gateway.usage import statements
from gateway.usage.check import Days, contradictions, still_kept, unrecorded
from opscenter.core.db import lock_table


def repair(days: Days) -> None:
    """Record the calls that left no row, correct the rows that the ledger contradicts, and sum up afresh.

    Recorders wait meanwhile, a second or two for a day of a million requests; no call does.
    """
    for kept in still_kept(days):
        while holds := unrecorded(kept):
            write([Record(row, []) for row in lost.rows_of(holds)])
    with transaction.atomic():
        # Whoever has counted has committed, and whoever hasn't will add to what is made here.
        lock_table(UsageStat)
        # Under the lock, which pruning takes, too: what has no requests any more keeps the sums that it has.
        for kept in still_kept(days):
            _correct(kept)
            _sum_up(kept)
        _sum_up_margins(days)


def _correct(days: Days) -> None:
    """Of a request with parts its own row: the sum is what has to be right."""
    for found in contradictions(days):
        row, ledger = found.row, found.ledger
        RequestRow.objects.filter(pk=found.request_id).update(
            charged_nano=F("charged_nano") + ledger.charged - row.charged,
            overrun_nano=F("overrun_nano") + ledger.overrun - row.overrun,
            expense_nano=F("expense_nano") + ledger.expense - row.expense,
        )


def _sum_up(days: Days) -> None:
    UsageStat.objects.filter(day__gte=days.first, day__lte=days.last).delete()
    with connection.cursor() as cursor:
        cursor.execute(statements.made_afresh(connection.vendor), days.parameters())


def _sum_up_margins(days: Days) -> None:
    MarginStat.objects.filter(day__gte=days.first, day__lte=days.last).delete()
    with connection.cursor() as cursor:
        cursor.execute(statements.margins_made_afresh(), days.parameters())
