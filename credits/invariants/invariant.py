"""One invariant of the ledger."""

from typing import NamedTuple

from credits.ledger import sql

_HOLD_ID = {
    "postgresql": "h.id::text",
    "sqlite": "SUBSTR(h.id, 1, 8) || '-' || SUBSTR(h.id, 9, 4) || '-' || "
    "SUBSTR(h.id, 13, 4) || '-' || SUBSTR(h.id, 17, 4) || '-' || SUBSTR(h.id, 21)",
}
_STRIPE_ID = {
    "postgresql": "SPLIT_PART(j.idempotency_key, ':', 3)",
    "sqlite": "SUBSTR(j.idempotency_key, 11, INSTR(SUBSTR(j.idempotency_key, 11) || ':', ':') - 1)",
}


class Invariant(NamedTuple):
    """`query` selects what breaks it; `text` is formatted with the columns of each row.

    {hold_id} in a query is a hold's id as journals spell it, {stripe_id} that in a key such as stripe:re:ID:failed,
    {ago} the moment `ago_s` seconds ago.
    """

    name: str
    text: str
    query: str
    ago_s: float = 0

    def statement(self, vendor: str) -> str:
        query = self.query.replace("{hold_id}", _HOLD_ID[vendor]).replace("{stripe_id}", _STRIPE_ID[vendor])
        return sql.statement(query, vendor)
