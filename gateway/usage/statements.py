"""The sums of llm_usage_stats made afresh from llm_requests, those of llm_margin_stats from these, and requests
beside what the ledger moved for them.
"""

from collections.abc import Iterable
from functools import cache

from credits.ledger.postings import OVERRUN, REVENUE, UPSTREAM
from gateway.models import margin_stat
from gateway.models.usage_stat import DIMENSIONS, SUMS
from gateway.usage.rollup import BYOK, FAILED, REFUSED

_DAY = {"postgresql": "(r.created_at AT TIME ZONE 'UTC')::date", "sqlite": "DATE(r.created_at)"}
_ID = {
    "postgresql": "r.id::text",
    "sqlite": "SUBSTR(r.id, 1, 8) || '-' || SUBSTR(r.id, 9, 4) || '-' || SUBSTR(r.id, 13, 4) || '-' || "
    "SUBSTR(r.id, 17, 4) || '-' || SUBSTR(r.id, 21)",
}
_OF_REQUESTS = "FROM llm_requests r WHERE r.created_at >= %(since)s AND r.created_at < %(until)s"
_DIMENSIONS, _SUMS = ", ".join(DIMENSIONS), ", ".join(SUMS)
_MARGIN_DIMENSIONS, _MARGIN_SUMS = ", ".join(margin_stat.DIMENSIONS), ", ".join(margin_stat.SUMS)
_OF_DAYS = "WHERE day >= %(first)s AND day <= %(last)s"


@cache
def difference(vendor: str) -> str:
    """Where kept sums and requests disagree: the dimensions, and by how much each sum is too large."""
    minus = ", ".join(f"-({value})" for value in _values().values())
    return f"""
    SELECT {_DIMENSIONS}, {_too_large(SUMS)} FROM (
      SELECT {_DIMENSIONS}, {_SUMS} FROM llm_usage_stats {_OF_DAYS}
      UNION ALL SELECT {_dimensions(vendor)}, {minus} {_OF_REQUESTS}
    ) d GROUP BY {_DIMENSIONS} HAVING {_any_is(SUMS)} ORDER BY {_DIMENSIONS}"""


@cache
def margin_difference() -> str:
    """The same of the sums of margins and those of usage."""
    minus = ", ".join(f"-{name}" for name in margin_stat.SUMS)
    return f"""
    SELECT {_MARGIN_DIMENSIONS}, {_too_large(margin_stat.SUMS)} FROM (
      SELECT {_MARGIN_DIMENSIONS}, {_MARGIN_SUMS} FROM llm_margin_stats {_OF_DAYS}
      UNION ALL SELECT {_MARGIN_DIMENSIONS}, {minus} FROM llm_usage_stats {_OF_DAYS}
    ) d GROUP BY {_MARGIN_DIMENSIONS} HAVING {_any_is(margin_stat.SUMS)} ORDER BY {_MARGIN_DIMENSIONS}"""


@cache
def made_afresh(vendor: str) -> str:
    """Fills the sums of days that have none."""
    sums = ", ".join(f"SUM({value})" for value in _values().values())
    dimensions = _dimensions(vendor)
    return (
        f"INSERT INTO llm_usage_stats ({_DIMENSIONS}, {_SUMS}) "
        f"SELECT {dimensions}, {sums} {_OF_REQUESTS} GROUP BY {dimensions}"
    )


@cache
def margins_made_afresh() -> str:
    """Likewise, of the sums of usage."""
    sums = ", ".join(f"SUM({name})" for name in margin_stat.SUMS)
    return (
        f"INSERT INTO llm_margin_stats ({_MARGIN_DIMENSIONS}, {_MARGIN_SUMS}) "
        f"SELECT {_MARGIN_DIMENSIONS}, {sums} FROM llm_usage_stats {_OF_DAYS} GROUP BY {_MARGIN_DIMENSIONS}"
    )


@cache
def contradicted(vendor: str) -> str:
    """Requests of which the ledger says something else, once it has said it for a while: id, then charged, overrun
    and expense of the request, its parts included, and of the ledger.
    """
    id = _ID[vendor]
    row = [f"r.{name} + COALESCE(p.{name}, 0)" for name in ("charged_nano", "overrun_nano", "expense_nano")]
    charged = _sum_of(f"a.code NOT IN ('{REVENUE}', '{OVERRUN}', '{UPSTREAM}')")
    overrun, expense = _sum_of(f"a.code = '{OVERRUN}'"), _sum_of(f"a.code = '{UPSTREAM}'")
    return f"""
    SELECT r.id, {", ".join(row)}, {charged}, {overrun}, {expense}
    FROM llm_requests r
    LEFT JOIN (
      SELECT parent_id, SUM(charged_nano) charged_nano, SUM(overrun_nano) overrun_nano, SUM(expense_nano) expense_nano
      FROM llm_requests WHERE parent_id IS NOT NULL AND created_at >= %(since)s AND created_at < %(until)s
      GROUP BY parent_id
    ) p ON p.parent_id = r.id
    LEFT JOIN credits_journals j ON j.idempotency_key IN ('usage:' || {id}, 'adj:' || {id} || ':1', 'expense:' || {id})
    LEFT JOIN llm_transactions e ON e.journal_id = j.id
    LEFT JOIN llm_credits a ON a.id = e.account_id
    WHERE r.created_at >= %(since)s AND r.created_at < %(until)s AND r.parent_id IS NULL
    GROUP BY r.id, {", ".join(row)}
    HAVING ({row[0]} <> {charged} OR {row[1]} <> {overrun} OR {row[2]} <> {expense})
      AND (MAX(j.created_at) IS NULL OR MAX(j.created_at) < %(settled)s)
    ORDER BY r.id"""


def _too_large(sums: Iterable[str]) -> str:
    return ", ".join(f"SUM({name})" for name in sums)


def _any_is(sums: Iterable[str]) -> str:
    return " OR ".join(f"SUM({name}) <> 0" for name in sums)


def _sum_of(condition: str) -> str:
    return f"COALESCE(SUM(CASE WHEN {condition} THEN -e.amount END), 0)"


def _dimensions(vendor: str) -> str:
    ids = ", ".join(f"COALESCE(r.{name}, 0)" for name in DIMENSIONS[1:4])
    return f"{_DAY[vendor]}, {ids}, {', '.join(f'r.{name}' for name in DIMENSIONS[4:])}"


def _values() -> dict[str, str]:
    """What a request adds to each sum."""
    failed = ", ".join(f"'{status}'" for status in FAILED)
    counts = {
        "requests": "1",
        "failed": f"CASE WHEN r.status IN ({failed}) THEN 1 ELSE 0 END",
        "refused": f"CASE WHEN r.status = '{REFUSED}' THEN 1 ELSE 0 END",
        "own_key_requests": f"CASE WHEN r.billing_basis = '{BYOK}' THEN 1 ELSE 0 END",
    }
    return {name: counts.get(name, f"r.{name}") for name in SUMS}
