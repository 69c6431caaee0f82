"""How PostgreSQL would go about the book's statements, on tables that it has not looked at yet."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import DataError, connection

from credits.ledger import book, sql
from credits.ledger.connection import ledger_connection
from credits.ledger.moves import BudgetCap, Closed, Held, Move, Outcome
from credits.models import Account
from opscenter.core.pipeline import pipelined_transaction
from tests.credits.ledger import a_capture, a_reserve, held

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no such plans"),
    pytest.mark.django_db(transaction=True),
]

# What autovacuum has noted of the other tests' rows goes: of a table that is known to be tiny, all may be read.
TABLES = "(relname LIKE 'credits_%' OR relname LIKE 'llm_%')"
FORGET = f"""
DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE {TABLES});
UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE {TABLES}
"""
STATEMENTS = [name for name, value in vars(sql).items() if isinstance(value, str) and name[0].isupper()]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def plan_of(name: str) -> list[dict[str, Any]]:
    """The nodes of the plan for any parameters, as the ledger's own connection makes it."""
    text = sql.statement(getattr(sql, name), "postgresql")
    text = text.replace("%(rows)s", "$1").replace("%(stale_s)s", "$2::float8").replace("%(wallet_id)s", "$2::bigint")
    found: list[dict[str, Any]] = []

    def explain() -> None:
        ledger_connection()
        connection.ensure_connection()
        # Not Django's cursor, which would bind the parameters that stay open here.
        cursor = psycopg.ClientCursor(connection.connection)
        cursor.execute(FORGET)
        ((answer,),) = cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}").fetchall()
        connection.close()
        found.extend(nodes((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]))

    thread = Thread(target=explain)
    thread.start()
    thread.join()
    assert found
    return found


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_table_is_read_by_a_key(name: str) -> None:
    """A table or an index that is read whole costs every commit more, the more was ever called."""
    for node in plan_of(name):
        if "Index Name" in node:
            assert "Index Cond" in node, node
        elif node["Node Type"] not in ("ModifyTable", "Bitmap Heap Scan"):
            assert "Relation Name" not in node, node
        if name == "CLOSE_HOLDS" and node.get("Relation Name") == "credits_holds" and "Index Name" in node:
            assert node["Index Name"] == "credits_holds_pkey"


def on_the_ledgers_connection(work: Callable[[], None]) -> None:
    def run() -> None:
        ledger_connection()
        try:
            work()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_in_a_pipelined_transaction_a_statement_waits_for_nothing() -> None:
    seen: list[bool] = []

    def ask() -> None:
        with pipelined_transaction(), connection.cursor() as sleeping, connection.cursor() as other:
            sleeping.execute("SELECT PG_SLEEP(0.2)")
            seen.append(sleeping.cursor.rowcount == -1)
            other.execute("SELECT 1")
            seen.append(other.fetchall() == [(1,)])

    on_the_ledgers_connection(ask)
    assert seen == [True, True]


def parts_of(work: Callable[[], None]) -> int:
    """How often `work` sends something to PostgreSQL and waits: each is a round trip, and a thread to be woken."""
    parts: list[int] = []

    def run() -> None:
        connection.ensure_connection()
        raw = connection.connection
        with tempfile.TemporaryFile("w+b") as trace:
            raw.pgconn.trace(trace.fileno())
            work()
            raw.pgconn.untrace()
            trace.seek(0)
            # F and B: from here to PostgreSQL, and back.
            ways = re.findall(r"^[-\d]+ [:.\d]+\t([FB])\t", trace.read().decode(), re.MULTILINE)
        parts.append(sum(way == "F" and before != "F" for before, way in pairwise(["B", *ways])))

    on_the_ledgers_connection(run)
    return parts[0]


def test_a_pipelined_transaction_is_sent_in_as_many_parts_as_there_are_answers_wanted() -> None:
    def ask() -> None:
        with pipelined_transaction(), connection.cursor() as first, connection.cursor() as second:
            first.execute("SELECT 1")
            second.execute("SELECT 2")
            second.fetchall()
            first.execute("SELECT 3")

    # The fetch; and COMMIT with what ends the pipeline.
    assert parts_of(ask) == 2


def test_a_commit_of_the_book_is_sent_in_two_parts(funded: Account) -> None:
    """What it locks and ends; and what it writes, with COMMIT."""
    budgets = (BudgetCap("key", 7, "2030-01", 1_000),)
    first = held(funded, 100, budgets=budgets)
    outcomes: list[Outcome] = []
    moves: list[Move] = [a_capture(first, 60), a_reserve(funded, 50, budgets=budgets)]

    assert parts_of(lambda: outcomes.extend(book.apply(moves))) == 2

    closed, second = outcomes
    assert isinstance(closed, Closed)
    assert isinstance(second, Held)
    told = replace(a_capture(second.hold_id, 50), budgets=second.budgets)
    assert parts_of(lambda: outcomes.extend(book.apply([told]))) == 2
    assert isinstance(outcomes[-1], Closed)


def test_a_pipelined_transaction_that_fails_leaves_nothing_and_its_connection_usable() -> None:
    seen: list[object] = []

    def ask() -> None:
        with pytest.raises(DataError), pipelined_transaction(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE left_behind (id int)")
            cursor.execute("SELECT 1 / 0")
        with connection.cursor() as cursor:
            cursor.execute("SELECT TO_REGCLASS('left_behind')")
            seen.append(cursor.fetchone())

    on_the_ledgers_connection(ask)
    assert seen == [(None,)]
