"""What people are told of providers."""

from datetime import datetime

from llmconfig.models import HealthChange, ProviderKey
from llmconfig.services.pointers import type_of
from opscenter.core.alerts.news import News, lines, page_of, utc

HEALTH_CHANGED = "provider.health_changed"
ROTATION_DUE = "provider.rotation_due"
KEY_REFUSED = "provider.key_refused"


def of_change(change: HealthChange) -> News:
    """`provider_type` is ai_server, api_key or litellm_proxy, the last without an id."""
    name, provider, url, at = str(change.health), change.health.provider, page_of(change.health), utc(change.at)
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
    text = lines(f"{headline}, since {at}.", change.message, url)
    return News(HEALTH_CHANGED, str(change.pk), change.at, headline, text, data)


def of_rotation(key: ProviderKey) -> News:
    assert key.rotation_due_at
    url, at = page_of(key), utc(key.rotation_due_at)
    headline = f"{key} is due for rotation since {at[:10]}"
    data = {"provider_type": type_of(key), "provider_id": key.pk, "name": str(key), "due_at": at, "url": url}
    text = lines(f"{headline}.", "Rotate it on its page in the admin: docs/providers.md says how.", url)
    return News(ROTATION_DUE, str(key.pk), key.rotation_due_at, headline, text, data)


def of_refusal(key: ProviderKey, *, status: int | None, at: datetime) -> News:
    """Of one day all are the same, so that nobody is told again of it."""
    url = page_of(key)
    headline = f"{key} is refused by its provider"
    said = f"It answered {status} to a call by this key. Calls go to other deployments, or fail where there are none."
    data = {"provider_type": type_of(key), "provider_id": key.pk, "name": str(key), "status": status, "url": url}
    text = lines(f"{headline}.", said, "See there for the key's rights and for what is left to spend.", url)
    return News(KEY_REFUSED, f"{key.pk}:{at:%Y-%m-%d}", at, headline, text, data)
