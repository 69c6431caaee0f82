"""Lots: each is what was granted less what was spent and expired, and no longer there than it may be."""

from credits.invariants.invariant import Invariant

OVERDUE_S = 600
"""Expiry is looked for every minute; a worker that was away for a while isn't a ledger that is wrong."""

INVARIANTS = (
    Invariant(
        "I11",
        "lot {0}: {2} of {1} remain, its entries sum to {3}",
        """
        SELECT l.id, l.amount, l.remaining, COALESCE(e.total, 0) FROM credits_lots l
        LEFT JOIN (SELECT lot_id, SUM(amount) AS total FROM credits_lot_entries GROUP BY lot_id) e ON e.lot_id = l.id
        WHERE l.remaining <> COALESCE(e.total, 0) OR l.remaining < 0 OR l.remaining > l.amount
        """,
    ),
    Invariant(
        "I11",
        "lot {0}: of {1}, but the journal that made it put {2} in",
        """
        SELECT l.id, l.amount, COALESCE(e.amount, 0) FROM credits_lots l
        LEFT JOIN credits_lot_entries e ON e.lot_id = l.id AND e.journal_id = l.journal_id
        WHERE l.amount <> COALESCE(e.amount, 0)
        """,
    ),
    Invariant(
        "I11",
        "{0}: {1} expire, its lots sum to {2}",
        """
        SELECT a.code, a.expiring, COALESCE(l.total, 0) FROM llm_credits a
        LEFT JOIN (SELECT account_id, SUM(remaining) AS total FROM credits_lots GROUP BY account_id) l
          ON l.account_id = a.id
        WHERE a.expiring <> COALESCE(l.total, 0)
        """,
    ),
    Invariant(
        "I11",
        "{0}: expires next at {1}, its first open lot at {2}",
        """
        SELECT a.code, a.next_expiry_at, l.first FROM llm_credits a
        LEFT JOIN (SELECT account_id, MIN(expires_at) AS first FROM credits_lots WHERE remaining > 0
                   GROUP BY account_id) l ON l.account_id = a.id
        WHERE (a.next_expiry_at IS NULL) <> (l.first IS NULL) OR a.next_expiry_at <> l.first
        """,
    ),
    Invariant(
        "I11",
        "journal {0}: moved {1} of lots, but {2} of their wallet",
        """
        SELECT j.idempotency_key, p.total, COALESCE(e.amount, 0) FROM (
          SELECT s.journal_id, l.account_id, SUM(s.amount) AS total, MIN(s.amount) AS least, MAX(s.amount) AS most
          FROM credits_lot_entries s JOIN credits_lots l ON l.id = s.lot_id GROUP BY s.journal_id, l.account_id
        ) p JOIN credits_journals j ON j.id = p.journal_id
        LEFT JOIN llm_transactions e ON e.journal_id = p.journal_id AND e.account_id = p.account_id
        WHERE (p.least < 0 AND p.most > 0) OR (p.total > 0 AND COALESCE(e.amount, 0) < p.total)
          OR (p.total < 0 AND COALESCE(e.amount, 0) > p.total)
        """,
    ),
    Invariant(
        "I11",
        "journal {0}: expiry of {1}, of which lots lost {2}",
        """
        SELECT j.idempotency_key, -e.amount, COALESCE(-SUM(s.amount), 0) FROM credits_journals j
        JOIN llm_transactions e ON e.journal_id = j.id AND e.version IS NOT NULL
        LEFT JOIN credits_lot_entries s ON s.journal_id = j.id
        WHERE j.kind = 'expiry' GROUP BY j.idempotency_key, e.amount
        HAVING COUNT(s.id) <> 1 OR SUM(s.amount) <> e.amount
        """,
    ),
    Invariant(
        "I11",
        "lot {0}: expired at {1}, but {2} remain and {3} of its wallet are available",
        """
        SELECT l.id, l.expires_at, l.remaining, a.posted - a.held FROM credits_lots l
        JOIN llm_credits a ON a.id = l.account_id
        WHERE l.remaining > 0 AND l.expires_at < {ago} AND a.posted > a.held AND {kept} < (
          SELECT SUM(o.remaining) FROM credits_lots o
          WHERE o.account_id = l.account_id AND o.expires_at <= l.expires_at)
        """,
        ago_s=OVERDUE_S,
    ),
)
