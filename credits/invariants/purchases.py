"""Purchases: each that was paid granted its credits once, and what went back took no more of them."""

from credits.invariants.invariant import Invariant

_MINE = "(a.id = p.account_id OR a.code = 'debt:' || w.user_id)"

INVARIANTS = (
    Invariant(
        "I7",
        "purchase {0}: paid for {1}, but {2} were granted",
        f"""
        SELECT p.id, p.credits_nano, COALESCE(SUM(e.amount), 0) FROM credits_purchases p
        JOIN llm_credits w ON w.id = p.account_id
        LEFT JOIN credits_journals j ON j.idempotency_key = 'stripe:pi:' || p.payment_intent AND j.kind = 'purchase'
        LEFT JOIN llm_transactions e ON e.journal_id = j.id AND EXISTS (
          SELECT 1 FROM llm_credits a WHERE a.id = e.account_id AND {_MINE})
        WHERE p.state = 'paid' GROUP BY p.id, p.credits_nano HAVING COALESCE(SUM(e.amount), 0) <> p.credits_nano
        """,  # noqa: S608 - a constant
    ),
    Invariant(
        "I7",
        "journal {0}: a purchase that nobody paid",
        """
        SELECT idempotency_key FROM credits_journals WHERE kind = 'purchase'
        EXCEPT SELECT 'stripe:pi:' || payment_intent FROM credits_purchases WHERE state = 'paid'
        """,
    ),
    Invariant(
        "I7",
        "purchase {0}: {2} of {1} went back, but its refunds and disputes took {3} and say {4}",
        f"""
        SELECT p.id, p.credits_nano, p.clawed_nano, COALESCE(t.total, 0), COALESCE(r.total, 0) FROM credits_purchases p
        LEFT JOIN (
          SELECT r.purchase_id, -SUM(e.amount) AS total FROM credits_journals j
          JOIN credits_reversals r ON r.stripe_id = {{stripe_id}}
          JOIN credits_purchases p ON p.id = r.purchase_id JOIN llm_credits w ON w.id = p.account_id
          JOIN llm_transactions e ON e.journal_id = j.id JOIN llm_credits a ON a.id = e.account_id AND {_MINE}
          WHERE j.kind IN ('refund', 'dispute', 'return') GROUP BY r.purchase_id
        ) t ON t.purchase_id = p.id
        LEFT JOIN (SELECT purchase_id, SUM(taken_nano) AS total FROM credits_reversals GROUP BY purchase_id) r
          ON r.purchase_id = p.id
        WHERE p.clawed_nano <> COALESCE(t.total, 0) OR p.clawed_nano <> COALESCE(r.total, 0)
          OR p.clawed_nano < 0 OR p.clawed_nano > p.credits_nano
        """,  # noqa: S608 - a constant
    ),
    Invariant(
        "I7",
        "journal {0}: takes or returns credits for no refund or dispute that is known",
        """
        SELECT j.idempotency_key FROM credits_journals j LEFT JOIN credits_reversals r ON r.stripe_id = {stripe_id}
        WHERE j.kind IN ('refund', 'dispute', 'return') AND r.id IS NULL
        """,
    ),
)
