"""What people are told, in words for letters and as data for webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from llmconfig.models import HealthAlert, HealthChange, ProviderHealth, ProviderKey
from llmconfig.services.pointers import type_of


@dataclass(frozen=True, slots=True)
class News:
    """`type` and `data` are a webhook's; in both, `url` leads to the admin, or is "" while PUBLIC_URL is."""

    type: str
    at: str
    headline: str
    text: str
    data: dict[str, Any]

    @classmethod
    def of(cls, alert: HealthAlert) -> "News":
        if alert.change:
            return _of_change(alert.change)
        assert alert.key
        return _of_rotation(alert.key)


def _of_change(change: HealthChange) -> News:
    """`provider_type` is ai_server, api_key or litellm_proxy, the last without an id."""
    name, provider, url, at = str(change.health), change.health.provider, _address(change.health), _utc(change.at)
    headline = f"{name} is {change.after}, was {change.before}"
    data = {
        "provider_type": type_of(provider) if provider else "litellm_proxy",
        "provider_id": provider.pk if provider else None,
        "name": name,
        "before": change.before,
        "after": change.after,
        "message": change.message,
        "at": at,
        "url": url,
    }
    return News("provider.health_changed", at, headline, _lines(f"{headline}, since {at}.", change.message, url), data)


def _of_rotation(key: ProviderKey) -> News:
    assert key.rotation_due_at
    url, at = _address(key), _utc(key.rotation_due_at)
    headline = f"{key} is due for rotation since {at[:10]}"
    data = {"provider_type": type_of(key), "provider_id": key.pk, "name": str(key), "due_at": at, "url": url}
    text = _lines(f"{headline}.", "Rotate it on its page in the admin: docs/providers.md says how.", url)
    return News("provider.rotation_due", at, headline, text, data)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _address(row: ProviderHealth | ProviderKey) -> str:
    path = reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""
