"""What requests recorded so far cost, by their attempts and the ledger, and the sums of their days."""

from typing import Any

from django.db import migrations

_ID = {
    "postgresql": "r.id::text",
    "sqlite": "SUBSTR(r.id, 1, 8) || '-' || SUBSTR(r.id, 9, 4) || '-' || SUBSTR(r.id, 13, 4) || '-' || "
    "SUBSTR(r.id, 17, 4) || '-' || SUBSTR(r.id, 21)",
}
_JSON = {"postgresql": "r.rates ->> '{}'", "sqlite": "JSON_EXTRACT(r.rates, '$.{}')"}
_NANO = {"postgresql": "(t.cost_usd * 1000000000)::bigint", "sqlite": "CAST(ROUND(t.cost_usd * 1e9) AS INTEGER)"}
_DAY = {"postgresql": "(r.created_at AT TIME ZONE 'UTC')::date", "sqlite": "DATE(r.created_at)"}


def _borne(vendor: str, code: str) -> str:
    id = _ID[vendor]
    return f"""-COALESCE((
      SELECT SUM(e.amount) FROM credits_journals j JOIN llm_transactions e ON e.journal_id = j.id
      JOIN llm_credits a ON a.id = e.account_id AND a.code = '{code}'
      WHERE j.idempotency_key IN ('usage:' || {id}, 'adj:' || {id} || ':1', 'expense:' || {id})), 0)"""


def _fill(vendor: str) -> str:
    return f"""
    UPDATE llm_requests AS r SET
      tier = SUBSTR(COALESCE({_JSON[vendor].format("tier")}, ''), 1, 16),
      power_level = SUBSTR(COALESCE({_JSON[vendor].format("power_level")}, ''), 1, 20),
      cost_nano_usd = COALESCE((SELECT SUM({_NANO[vendor]}) FROM llm_attempts t WHERE t.request_id = r.id), 0),
      overrun_nano = {_borne(vendor, "expense:overrun")},
      expense_nano = {_borne(vendor, "expense:upstream")}"""


def _sum(vendor: str) -> str:
    dimensions = (
        f"{_DAY[vendor]}, COALESCE(r.account_id, 0), COALESCE(r.user_id, 0), COALESCE(r.virtual_key_id, 0), "
        "r.tier, r.power_level, r.model, r.provider, r.component, r.environment"
    )
    return f"""
    INSERT INTO llm_usage_stats (
      day, account_id, user_id, virtual_key_id, tier, power_level, model, provider, component, environment,
      requests, failed, refused, attempts, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens,
      charged_nano, overrun_nano, expense_nano, cost_nano_usd, duration_ms)
    SELECT {dimensions}, COUNT(*),
      SUM(CASE WHEN r.status IN ('failed', 'lost') THEN 1 ELSE 0 END),
      SUM(CASE WHEN r.status = 'refused' THEN 1 ELSE 0 END),
      SUM(r.attempts), SUM(r.prompt_tokens), SUM(r.cached_tokens), SUM(r.cache_write_tokens),
      SUM(r.completion_tokens), SUM(r.charged_nano), SUM(r.overrun_nano), SUM(r.expense_nano), SUM(r.cost_nano_usd),
      SUM(r.duration_ms)
    FROM llm_requests r GROUP BY {dimensions}"""


def fill(apps: Any, schema_editor: Any) -> None:
    vendor = schema_editor.connection.vendor
    schema_editor.execute(_fill(vendor))
    schema_editor.execute(_sum(vendor))


def empty(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DELETE FROM llm_usage_stats")


class Migration(migrations.Migration):
    dependencies = [("gateway", "0009_usage_stats"), ("credits", "0013_plans_lots_and_purchases")]

    operations = [migrations.RunPython(fill, empty)]
