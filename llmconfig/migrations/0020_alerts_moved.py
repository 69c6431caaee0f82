"""What was told of providers, and what is yet to be, goes on as core's alerts, under the same ids."""

from datetime import datetime
from typing import Any, ClassVar

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def move(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    before, after = apps.get_model("llm", "HealthAlert"), apps.get_model("core", "Alert")
    rows = before._default_manager.select_related("change__health__server", "change__health__key", "key")
    moved = (_moved(after, row) for row in rows.order_by("pk").iterator(chunk_size=500))
    after._default_manager.bulk_create(moved, batch_size=500, ignore_conflicts=True)


def _moved(alert: Any, row: Any) -> Any:
    told = _of_change(row.change) if row.change else _of_rotation(row.key)
    kept = {name: getattr(row, name) for name in ("id", "channel", "attempts", "due_at", "sent_at", "error")}
    return alert(**told, **kept)


def _of_change(change: Any) -> dict[str, Any]:
    server, key = change.health.server, change.health.key
    name = server.name if server else _name(key) if key else "LiteLLM proxy"
    headline, at = f"{name} is {change.after}, was {change.before}", _utc(change.at)
    data = {
        "provider_type": "ai_server" if server else "api_key" if key else "litellm_proxy",
        "provider_id": (server or key).pk if server or key else None,
        "name": name,
        "before": change.before,
        "after": change.after,
        "message": change.message,
        "at": at,
        "url": "",
    }
    text = "\n".join(filter(None, (f"{headline}, since {at}.", change.message)))
    return _told("provider.health_changed", change.pk, change.at, headline, text, data)


def _of_rotation(key: Any) -> dict[str, Any]:
    happened_at = key.rotation_due_at or key.updated_at
    headline, at = f"{_name(key)} is due for rotation since {_utc(happened_at)[:10]}", _utc(happened_at)
    data = {"provider_type": "api_key", "provider_id": key.pk, "name": _name(key), "due_at": at, "url": ""}
    return _told("provider.rotation_due", key.pk, happened_at, headline, f"{headline}.", data)


def _told(type: str, pk: int, happened_at: datetime, headline: str, text: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": type,
        "about": str(pk),
        "happened_at": happened_at,
        "headline": headline[:300],
        "text": text,
        "data": data,
    }


def _name(key: Any) -> str:
    return f"{key.provider}: {key.key_name}"


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("llm", "0019_metadata_is_an_object"), ("core", "0015_alerts")]

    operations: ClassVar = [migrations.RunPython(move, migrations.RunPython.noop)]
