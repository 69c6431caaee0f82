"""The ledger's proof: every invariant, read in one snapshot while traffic runs."""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection

from credits.ledger import sql
from opscenter.core.db import consistent_read

HEARTBEAT_LIMIT_S = 120


class Problem(NamedTuple):
    invariant: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.text}"


class Invariant(NamedTuple):
    """`query` selects what breaks it; `text` is formatted with the columns of each row."""

    name: str
    text: str
    query: str


_HOLD_ID = {
    "postgresql": "h.id::text",
    "sqlite": "SUBSTR(h.id, 1, 8) || '-' || SUBSTR(h.id, 9, 4) || '-' || "
    "SUBSTR(h.id, 13, 4) || '-' || SUBSTR(h.id, 17, 4) || '-' || SUBSTR(h.id, 21)",
}
INVARIANTS = (
    Invariant(
        "I1",
        "journal {0}: its entries sum to {1}",
        "SELECT journal_id, SUM(amount) FROM llm_transactions GROUP BY journal_id HAVING SUM(amount) <> 0",
    ),
    Invariant(
        "I2",
        "{0}: posted is {1}, its entries sum to {2}",
        """
        SELECT a.code, a.posted, COALESCE(e.total, 0) FROM llm_credits a
        LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM llm_transactions GROUP BY account_id) e
          ON e.account_id = a.id
        WHERE a.kind = 'wallet' AND a.posted <> COALESCE(e.total, 0)
        """,
    ),
    Invariant(
        "I3",
        "{0}: held is {1}, its open holds sum to {2}",
        """
        SELECT a.code, a.held, COALESCE(h.total, 0) FROM llm_credits a
        LEFT JOIN (SELECT account_id, SUM(amount) AS total FROM credits_holds WHERE state = 'HELD'
                   GROUP BY account_id) h ON h.account_id = a.id
        WHERE a.kind = 'wallet' AND a.held <> COALESCE(h.total, 0)
        """,
    ),
    Invariant(
        "I4",
        "{0}: held {1} is not between 0 and posted {2}",
        "SELECT code, held, posted FROM llm_credits WHERE kind = 'wallet' AND (held < 0 OR held > posted)",
    ),
    Invariant(
        "I5",
        "hold {0}: open, its last heartbeat was at {1}",
        "SELECT id, heartbeat_at FROM credits_holds WHERE state = 'HELD' AND heartbeat_at < {ago}",
    ),
    Invariant(
        "I6",
        "hold {0}: captured {1}, but {2} usage journals charge its wallet {3}",
        """
        SELECT h.id, h.captured, COUNT(e.id), COALESCE(-SUM(e.amount), 0) FROM credits_holds h
        LEFT JOIN credits_journals j ON j.idempotency_key = 'usage:' || {hold_id} AND j.kind = 'usage'
        LEFT JOIN llm_transactions e ON e.journal_id = j.id AND e.account_id = h.account_id
        GROUP BY h.id, h.captured
        HAVING COALESCE(-SUM(e.amount), 0) <> COALESCE(h.captured, 0)
          OR COUNT(e.id) <> CASE WHEN h.captured > 0 THEN 1 ELSE 0 END
        """,
    ),
    Invariant(
        "I6",
        "journal {0}: usage without a hold that was captured",
        """
        SELECT idempotency_key FROM credits_journals WHERE kind = 'usage'
        EXCEPT SELECT 'usage:' || {hold_id} FROM credits_holds h WHERE h.state = 'CAPTURED'
        """,
    ),
    Invariant(
        "I8",
        "{0}: {2} entries, versions {3} to {4}, entries_count {1}",
        """
        SELECT a.code, a.entries_count, COUNT(e.id), MIN(e.version), MAX(e.version) FROM llm_credits a
        LEFT JOIN llm_transactions e ON e.account_id = a.id WHERE a.kind = 'wallet'
        GROUP BY a.id, a.code, a.entries_count
        HAVING COUNT(e.id) <> a.entries_count OR COUNT(e.version) <> a.entries_count
          OR COALESCE(MAX(e.version), 0) <> a.entries_count OR COALESCE(MIN(e.version), 1) <> 1
        """,
    ),
    Invariant(
        "I8",
        "{0}: entry {1} left {2}, its entries so far sum to {3}",
        """
        SELECT a.code, e.version, e.balance_after, e.running FROM (
          SELECT account_id, version, balance_after,
            SUM(amount) OVER (PARTITION BY account_id ORDER BY version) AS running
          FROM llm_transactions WHERE version IS NOT NULL
        ) e JOIN llm_credits a ON a.id = e.account_id WHERE e.balance_after <> e.running
        """,
    ),
    Invariant(
        "I9",
        "everything sums to {0}",
        "SELECT SUM(amount) FROM llm_transactions HAVING SUM(amount) <> 0",
    ),
    Invariant(
        "I10",
        "budget {0}:{1} {2}: held is {3}, its open holds sum to {4}",
        """
        SELECT b.scope, b.scope_id, b."window", b.held, COALESCE(o.total, 0) FROM credits_budgets b
        LEFT JOIN (SELECT l.budget_id, SUM(h.amount) AS total FROM credits_hold_budgets l
                   JOIN credits_holds h ON h.id = l.hold_id WHERE h.state = 'HELD'
                   GROUP BY l.budget_id) o ON o.budget_id = b.id
        WHERE b.held <> COALESCE(o.total, 0)
        """,
    ),
    Invariant(
        "I10",
        "budget {0}:{1} {2}: spent is {3}, its holds were charged {4} less what came back",
        """
        SELECT b.scope, b.scope_id, b."window", b.spent, COALESCE(c.total, 0) FROM credits_budgets b
        LEFT JOIN (SELECT l.budget_id, SUM(h.captured - COALESCE(e.amount, 0)) AS total FROM credits_hold_budgets l
                   JOIN credits_holds h ON h.id = l.hold_id AND h.state = 'CAPTURED'
                   LEFT JOIN credits_journals j ON j.idempotency_key = 'adj:' || {hold_id} || ':1'
                   LEFT JOIN llm_transactions e ON e.journal_id = j.id AND e.account_id = h.account_id
                   GROUP BY l.budget_id) c ON c.budget_id = b.id
        WHERE b.spent <> COALESCE(c.total, 0)
        """,
    ),
)


def check() -> list[Problem]:
    """Every problem of the ledger as it is at one moment; none is how it should be."""
    with consistent_read(connection):
        return [problem for invariant in INVARIANTS for problem in _broken(invariant)]


def _broken(invariant: Invariant) -> Iterator[Problem]:
    query = invariant.query.replace("{hold_id}", _HOLD_ID[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(sql.statement(query, connection.vendor), {"stale_s": HEARTBEAT_LIMIT_S})
        for row in cursor.fetchall():
            yield Problem(invariant.name, invariant.text.format(*row))
