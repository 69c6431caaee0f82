"""Journals, and the wallets that they add up to."""

from credits.invariants.invariant import Invariant

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
        "I4",
        "{0}: held {1} is not between 0 and posted {2}",
        "SELECT code, held, posted FROM llm_credits WHERE kind = 'wallet' AND (held < 0 OR held > posted)",
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
)
