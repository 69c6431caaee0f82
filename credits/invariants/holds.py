"""Holds, what they were charged, and the budgets that they count against."""

from credits.invariants.invariant import Invariant

HEARTBEAT_LIMIT_S = 120

INVARIANTS = (
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
        "I5",
        "hold {0}: open, its last heartbeat was at {1}",
        "SELECT id, heartbeat_at FROM credits_holds WHERE state = 'HELD' AND heartbeat_at < {ago}",
        ago_s=HEARTBEAT_LIMIT_S,
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
