"""The sums for margins of the days that have been summed up so far."""

from typing import Any

from django.db import migrations

_FILL = """
INSERT INTO llm_margin_stats (
  day, model, tier, provider, power_level, component, environment,
  requests, failed, prompt_tokens, completion_tokens, charged_nano, overrun_nano, expense_nano, cost_nano_usd)
SELECT day, model, tier, provider, power_level, component, environment,
  SUM(requests), SUM(failed), SUM(prompt_tokens), SUM(completion_tokens),
  SUM(charged_nano), SUM(overrun_nano), SUM(expense_nano), SUM(cost_nano_usd)
FROM llm_usage_stats GROUP BY day, model, tier, provider, power_level, component, environment"""


def fill(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_FILL)


def empty(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("DELETE FROM llm_margin_stats")


class Migration(migrations.Migration):
    dependencies = [("gateway", "0011_margin_stats")]

    operations = [migrations.RunPython(fill, empty)]
