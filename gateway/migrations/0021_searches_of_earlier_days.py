"""The searches of the days that have been summed up so far, as far as their requests are kept."""

from typing import Any

from django.db import migrations

_OF = (
    "account_id",
    "user_id",
    "virtual_key_id",
    "tier",
    "power_level",
    "model",
    "provider",
    "component",
    "environment",
)
_IDS = _OF[:3]
_MARGIN = ("day", "model", "tier", "provider", "power_level", "component", "environment")
_DAY = {"postgresql": "(r.created_at AT TIME ZONE 'UTC')::date", "sqlite": "DATE(r.created_at)"}


def _of_requests(vendor: str) -> str:
    columns = [f"{_DAY[vendor]} AS day", *(f"COALESCE(r.{name}, 0) AS {name}" for name in _IDS)]
    columns += [f"r.{name} AS {name}" for name in _OF[3:]]
    grouped = ", ".join(str(number) for number in range(1, len(columns) + 1))
    of = ", ".join(columns)
    searches = f"SELECT {of}, SUM(r.searches) AS searches FROM llm_requests r WHERE r.searches > 0"  # noqa: S608 - as below
    return f"""
    UPDATE llm_usage_stats AS s SET searches = u.searches FROM ({searches} GROUP BY {grouped}) u
    WHERE {" AND ".join(f"s.{name} = u.{name}" for name in ("day", *_OF))}"""  # noqa: S608 - names of columns


def _of_usage() -> str:
    of = ", ".join(_MARGIN)
    return f"""
    UPDATE llm_margin_stats AS m SET searches = u.searches
    FROM (SELECT {of}, SUM(searches) AS searches FROM llm_usage_stats WHERE searches > 0 GROUP BY {of}) u
    WHERE {" AND ".join(f"m.{name} = u.{name}" for name in _MARGIN)}"""  # noqa: S608 - names of columns


def fill(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_of_requests(schema_editor.connection.vendor))
    schema_editor.execute(_of_usage())


def empty(apps: Any, schema_editor: Any) -> None:
    """The columns go, and what they hold with them."""


class Migration(migrations.Migration):
    dependencies = [("gateway", "0020_own_keys_in_sums")]

    operations = [migrations.RunPython(fill, empty)]
