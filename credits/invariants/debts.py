"""Debts: each is what its account says, and nobody has credits to spend who owes."""

from credits.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "I12",
        "{0}: owes {1}, the entries of its debt sum to {2}",
        """
        SELECT w.code, w.debt, COALESCE(SUM(e.amount), 0) FROM llm_credits w
        LEFT JOIN llm_credits d ON d.code = 'debt:' || w.user_id
        LEFT JOIN llm_transactions e ON e.account_id = d.id
        WHERE w.kind = 'wallet' GROUP BY w.id, w.code, w.debt, d.id
        HAVING w.debt <> -COALESCE(SUM(e.amount), 0)
        """,
    ),
    Invariant(
        "I12",
        "{0}: there is no account for its debt",
        """
        SELECT w.code FROM llm_credits w LEFT JOIN llm_credits d ON d.code = 'debt:' || w.user_id AND d.kind = 'system'
        WHERE w.kind = 'wallet' AND d.id IS NULL
        """,
    ),
    Invariant(
        "I12",
        "{0}: owes {1} and has {2} available",
        "SELECT code, debt, posted - held FROM llm_credits WHERE debt < 0 OR (debt > 0 AND posted <> held)",
    ),
)
