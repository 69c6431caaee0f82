"""The book's statements, set-based, for PostgreSQL and SQLite; their rows come as one JSON parameter."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

from opscenter.core.json_rows import Firsts, Ids, Rows
from opscenter.core.pipeline import statement_cursor

_NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"}
_AGO = {
    "postgresql": "STATEMENT_TIMESTAMP() - MAKE_INTERVAL(secs => %(stale_s)s)",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '-' || %(stale_s)s || ' seconds')",
}
_LEAST = {"postgresql": "LEAST", "sqlite": "MIN"}
_GREATEST = {"postgresql": "GREATEST", "sqlite": "MAX"}
# Only the key columns matter to foreign keys, so that inserting holds and entries needn't wait for a wallet.
_LOCK = {"postgresql": "FOR NO KEY UPDATE", "sqlite": ""}
_SKIP = {"postgresql": "FOR NO KEY UPDATE SKIP LOCKED", "sqlite": ""}
# An array is looked up in the index value by value, however small PostgreSQL thinks the table is.
_ANY = {"postgresql": ("= ANY(ARRAY(", "))"), "sqlite": ("IN (", ")")}
_BUDGETS = {
    "postgresql": "ARRAY(SELECT l.budget_id FROM credits_hold_budgets l WHERE l.hold_id = credits_holds.id)",
    "sqlite": "(SELECT JSON_GROUP_ARRAY(l.budget_id) FROM credits_hold_budgets l WHERE l.hold_id = credits_holds.id)",
}
_KEPT = """CASE WHEN l.expires_at <= {now} THEN (
    SELECT COALESCE(SUM(h.amount), 0) FROM credits_holds h
    WHERE h.account_id = l.account_id AND h.state = 'HELD' AND h.created_at < l.expires_at) ELSE 0 END"""
_JSON = {"postgresql": "::jsonb", "sqlite": ""}

LOCK_WALLETS = """
SELECT id, user_id, posted, held, entries_count, status, debt, expiring, next_expiry_at <= {now} FROM llm_credits
WHERE kind = 'wallet' AND id {ids:bigint} ORDER BY id {lock}
"""
# By their primary keys alone: in an index of open holds PostgreSQL would wade through all that a busy wallet has had
# since the last vacuum. An expression isn't looked for in an index.
CLOSE_HOLDS = """
UPDATE credits_holds SET state = new_state, closed_at = {now}, basis = why, lease_epoch = lease_epoch + fence,
  captured = CASE WHEN new_state = 'CAPTURED' THEN {least}(cost, amount) END
FROM {rows:hold_id uuid, wallet_id bigint, epoch int, new_state text, cost bigint, why text, fence int}
WHERE id = hold_id AND id {firsts:uuid} AND account_id + 0 = wallet_id AND state || '' = 'HELD' AND lease_epoch = epoch
RETURNING id, amount, captured, virtual_key_id, {budgets}
"""
READ_HOLDS = """
SELECT id, account_id, state, lease_epoch, captured, virtual_key_id, {budgets}
FROM credits_holds WHERE id {ids:uuid}
"""
READ_BEGINNINGS = "SELECT id, created_at FROM credits_holds WHERE id {ids:uuid}"
STALE_HOLDS = """
SELECT id, account_id FROM credits_holds WHERE state = 'HELD' AND heartbeat_at < {ago}
ORDER BY heartbeat_at LIMIT 500
"""
READ_STALE = """
SELECT id, account_id, lease_epoch, delivered_tokens, checkpoint_amount FROM credits_holds
WHERE state = 'HELD' AND heartbeat_at < {ago} AND id {ids:uuid} {skip}
"""
READ_JOURNALS = "SELECT idempotency_key FROM credits_journals WHERE idempotency_key {ids:text}"
PAID_BACK = """
SELECT COALESCE(SUM(e.amount), 0) FROM llm_transactions e JOIN credits_journals j ON j.id = e.journal_id
WHERE e.account_id = %(wallet_id)s AND j.idempotency_key {ids:text}
"""
INSERT_JOURNALS = """
INSERT INTO credits_journals (idempotency_key, kind, reason, actor, created_at)
SELECT jkey, jkind, why, who, {now} FROM {rows:jkey text, jkind text, why text, who text}
"""
INSERT_ENTRIES = """
INSERT INTO llm_transactions (journal_id, account_id, amount, version, balance_after, model, provider, tokens)
SELECT (SELECT j.id FROM credits_journals j WHERE j.idempotency_key = v.jkey),
  COALESCE(v.wallet_id, (SELECT a.id FROM llm_credits a WHERE a.code = v.system_code)),
  v.change, v.number, v.balance, v.what, v.whose, v.size
FROM {rows:jkey text, wallet_id bigint, system_code text, change bigint, number bigint, balance bigint,
what text, whose text, size bigint}
"""
UPDATE_WALLETS = """
UPDATE llm_credits
SET posted = posted + posted_change, held = held + held_change, entries_count = entries_count + entries_change,
  debt = debt + debt_change, expiring = expiring + expiring_change,
  next_expiry_at = CASE WHEN moved_lots = 0 THEN next_expiry_at ELSE (
    SELECT MIN(l.expires_at) FROM credits_lots l WHERE l.account_id = wallet_id AND l.remaining > 0) END
FROM {rows:wallet_id bigint, posted_change bigint, held_change bigint, entries_change bigint, debt_change bigint,
expiring_change bigint, moved_lots int}
WHERE id = wallet_id AND id {firsts:bigint}
"""
DUE_WALLETS = """
SELECT id FROM llm_credits WHERE next_expiry_at <= {now} ORDER BY next_expiry_at LIMIT 10000
"""
# What a lot that has expired may keep is what holds made before then may still take.
READ_LOTS = """
SELECT l.account_id, l.id, l.remaining, l.expires_at, l.expires_at <= {now}, {kept} FROM credits_lots l
WHERE l.account_id {ids:bigint} AND l.remaining > 0 ORDER BY l.expires_at, l.id
"""
READ_LOTS_USED = """
SELECT -e.amount, l.id, l.remaining, l.expires_at, l.expires_at <= {now}, {kept}
FROM credits_journals j JOIN credits_lot_entries e ON e.journal_id = j.id JOIN credits_lots l ON l.id = e.lot_id
WHERE j.idempotency_key {ids:text} ORDER BY l.expires_at DESC, l.id DESC
"""
INSERT_LOTS = """
INSERT INTO credits_lots (account_id, journal_id, amount, remaining, expires_at)
SELECT wallet_id, (SELECT j.id FROM credits_journals j WHERE j.idempotency_key = v.jkey), size, rest, expiry
FROM {rows:wallet_id bigint, jkey text, size bigint, rest bigint, expiry timestamptz}
"""
INSERT_LOT_ENTRIES = """
INSERT INTO credits_lot_entries (lot_id, journal_id, amount)
SELECT COALESCE(v.known_id, (SELECT l.id FROM credits_lots l
    WHERE l.journal_id = (SELECT j.id FROM credits_journals j WHERE j.idempotency_key = v.made_by))),
  (SELECT j.id FROM credits_journals j WHERE j.idempotency_key = v.jkey), change
FROM {rows:known_id bigint, made_by text, jkey text, change bigint}
"""
UPDATE_LOTS = """
UPDATE credits_lots SET remaining = remaining + change FROM {rows:lot_id bigint, change bigint}
WHERE id = lot_id AND id {firsts:bigint}
"""
INSERT_HOLDS = """
INSERT INTO credits_holds (id, account_id, virtual_key_id, amount, state, mode, rates, basis, heartbeat_at,
  delivered_tokens, checkpoint_amount, lease_epoch, created_at)
SELECT hold_id, wallet_id, key_id, size, 'HELD', what_for, rates_text{json}, '', {now}, 0, 0, 1, {now}
FROM {rows:hold_id uuid, wallet_id bigint, key_id bigint, size bigint, what_for text, rates_text text}
"""
MAKE_BUDGETS = """
INSERT INTO credits_budgets (scope, scope_id, "window", cap, spent, held)
SELECT kind, whose, span, most, 0, 0 FROM {rows:kind text, whose bigint, span text, most bigint} WHERE TRUE
ON CONFLICT (scope, scope_id, "window") DO NOTHING
"""
_LOCKED_BUDGETS = """
SELECT scope, scope_id, "window", id, cap, spent, held FROM credits_budgets WHERE id {any}
  SELECT COALESCE(v.budget_id, (SELECT b.id FROM credits_budgets b
    WHERE b.scope = v.kind AND b.scope_id = v.whose AND b."window" = v.span))
  FROM {rows:budget_id bigint, kind text, whose bigint, span text}"""
LOCK_BUDGETS = f"""{_LOCKED_BUDGETS}{{end}}
ORDER BY id {{lock}}
"""
LOCK_BUDGETS_AND_THOSE_OF_HOLDS = f"""{_LOCKED_BUDGETS}
  UNION ALL SELECT l.budget_id FROM credits_hold_budgets l WHERE l.hold_id {{any}}
    SELECT v.hold_id FROM {{rows:budget_id bigint, kind text, whose bigint, span text, hold_id uuid}}{{end}}{{end}}
ORDER BY id {{lock}}
"""
UPDATE_BUDGETS = """
UPDATE credits_budgets SET cap = new_cap, spent = spent + spent_change, held = held + held_change
FROM {rows:budget_id bigint, new_cap bigint, spent_change bigint, held_change bigint}
WHERE id = budget_id AND id {firsts:bigint}
"""
INSERT_HOLD_BUDGETS = """
INSERT INTO credits_hold_budgets (hold_id, budget_id)
SELECT held, counted FROM {rows:held uuid, counted bigint}
"""
MARK_BUDGETS = """
INSERT INTO credits_budget_marks (budget_id, percent, at)
SELECT counted, part, {now} FROM {rows:counted bigint, part bigint} WHERE TRUE
ON CONFLICT (budget_id, percent) DO NOTHING
"""
BEAT_HOLDS = """
UPDATE credits_holds SET heartbeat_at = {now}, delivered_tokens = {greatest}(delivered_tokens, delivered),
  checkpoint_amount = {greatest}(checkpoint_amount, checkpoint),
  dispatched_at = COALESCE(dispatched_at, dispatched)
FROM {rows:hold_id uuid, delivered bigint, checkpoint bigint, dispatched timestamptz}
WHERE id = hold_id AND id {firsts:uuid} AND state || '' = 'HELD'
"""


@cache
def statement(template: str, vendor: str) -> str:
    return template.format(
        now=_NOW[vendor],
        ago=_AGO[vendor],
        least=_LEAST[vendor],
        greatest=_GREATEST[vendor],
        lock=_LOCK[vendor],
        skip=_SKIP[vendor],
        json=_JSON[vendor],
        any=_ANY[vendor][0],
        end=_ANY[vendor][1],
        budgets=_BUDGETS[vendor],
        kept=_KEPT.format(now=_NOW[vendor]),
        rows=Rows(vendor),
        ids=Ids(vendor),
        firsts=Firsts(vendor),
    )


def ask(template: str, rows: Iterable[Any], **others: float) -> CursorWrapper | Cursor:
    """Execute with `rows` as the JSON parameter; `fetchall()` has what came of it.

    Where the connection is pipelined only that waits for the database.
    """
    cursor = statement_cursor()
    cursor.execute(statement(template, connection.vendor), {"rows": _as_json(list(rows)), **others})
    return cursor


def _as_json(rows: list[Any]) -> str:
    """Raises ValueError for what no column can take."""
    try:
        return str(msgspec.json.encode(rows), "utf-8")
    except OverflowError as error:
        raise ValueError("a number is larger than any column is") from error


def fetch(template: str, rows: Iterable[Any], **others: float) -> list[tuple[Any, ...]]:
    return ask(template, rows, **others).fetchall()


def hex_of(value: UUID | str) -> str:
    """A UUID column as it came: PostgreSQL gives UUIDs, SQLite the digits."""
    return value if isinstance(value, str) else value.hex


def ids_of(value: list[int] | str) -> list[int]:
    """An array of ids as it came: PostgreSQL gives lists, SQLite their JSON."""
    ids: list[int] = json.loads(value) if isinstance(value, str) else value
    return ids
