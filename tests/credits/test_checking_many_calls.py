"""What checking costs the database, in the database's own units: no machine is slow or fast in those."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from credits import checker
from credits.invariants import INVARIANTS
from credits.ledger import book
from credits.ledger.moves import Capture, Held
from credits.models import Account, Journal
from tests.credits.conftest import Give
from tests.credits.ledger import a_reserve

CALLS, MORE = 100, 700


def call(account: Account, times: int) -> None:
    outcomes = book.apply([a_reserve(account, 10) for _ in range(times)])
    holds = [outcome for outcome in outcomes if isinstance(outcome, Held)]
    book.apply([Capture(hold.hold_id, account.pk, hold.lease_epoch, 10, "provider") for hold in holds])


def work_of_checking() -> int:
    return rows_handled() if connection.vendor == "postgresql" else steps_taken()


def rows_handled() -> int:
    """By every node of PostgreSQL's plans, whenever it was gone through."""
    with connection.cursor() as cursor:
        # As autovacuum does where tables grow.
        cursor.execute("ANALYZE")
        rows = 0
        for invariant in INVARIANTS:
            explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {invariant.statement('postgresql')}"
            cursor.execute(explain, {"stale_s": invariant.ago_s})
            ((answer,),) = cursor.fetchall()
            rows += sum(handled_by(node) for node in nodes(answer[0]["Plan"]))
    return rows


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def handled_by(node: dict[str, Any]) -> int:
    removed = sum(number for name, number in node.items() if name.startswith("Rows Removed by"))
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def steps_taken() -> int:
    """By SQLite's machine, in thousands."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, 1000)
    assert checker.check() == []
    connection.connection.set_progress_handler(None, 0)
    return steps


def test_checking_costs_work_in_proportion_to_the_calls(alice: Account, give: Give) -> None:
    give(alice, "1")
    call(alice, CALLS)
    few = work_of_checking()
    call(alice, MORE)
    many = work_of_checking()

    assert Journal.objects.filter(kind="usage").count() == CALLS + MORE
    assert checker.check() == []
    assert many < 2 * few * (CALLS + MORE) / CALLS
