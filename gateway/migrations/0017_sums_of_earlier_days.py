"""What the sums without consumers hold since the migration before, of the days that have been summed up so far."""

from typing import Any

from django.db import migrations

_NAMES = ("refused", "attempts", "cached_tokens", "cache_write_tokens", "duration_ms")
_OF = ("day", "model", "tier", "provider", "power_level", "component", "environment")


def _fill() -> str:
    """One pass over each table: usage may have millions of rows."""
    sums = ", ".join(f"SUM({name}) AS {name}" for name in _NAMES)
    return f"""
    UPDATE llm_margin_stats AS m SET {", ".join(f"{name} = u.{name}" for name in _NAMES)}
    FROM (SELECT {", ".join(_OF)}, {sums} FROM llm_usage_stats GROUP BY {", ".join(_OF)}) u
    WHERE {" AND ".join(f"m.{name} = u.{name}" for name in _OF)}"""


def fill(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_fill())


def empty(apps: Any, schema_editor: Any) -> None:
    """The columns go, and what they hold with them."""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0016_sums_without_consumers")]

    operations = [migrations.RunPython(fill, empty)]
