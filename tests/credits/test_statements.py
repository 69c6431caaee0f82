"""How PostgreSQL would go about the book's statements, on tables that it has not looked at yet."""

import json
import os
from collections.abc import Iterator
from threading import Thread
from typing import Any

import psycopg
import pytest
from django.db import connection

from credits.ledger import sql
from credits.writer import ledger_connection
from opscenter.core.db import pipelined

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no such plans"),
    pytest.mark.django_db(transaction=True),
]

# What autovacuum has noted of the other tests' rows goes: of a table that is known to be tiny, all may be read.
FORGET = "UPDATE pg_class SET relpages = 0, reltuples = -1 WHERE relname LIKE 'credits_%'"
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


def test_on_a_pipelined_connection_a_statement_waits_for_nothing() -> None:
    seen: list[bool] = []

    def ask() -> None:
        ledger_connection()
        with pipelined(), connection.cursor() as sleeping, connection.cursor() as other:
            sleeping.execute("SELECT PG_SLEEP(0.2)")
            seen.append(sleeping.cursor.rowcount == -1)
            other.execute("SELECT 1")
            seen.append(other.fetchall() == [(1,)])
        connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [True, True]
