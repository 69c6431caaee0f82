"""A change of state in words, for letters, webhooks and logs."""

from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from llmconfig.models import HealthChange
from llmconfig.services.pointers import type_of


@dataclass(frozen=True, slots=True)
class News:
    """`provider_type` is ai_server, api_key or litellm_proxy, the last without an id; `url` leads to the admin."""

    provider_type: str
    provider_id: int | None
    name: str
    before: str
    after: str
    message: str
    at: str
    url: str

    @classmethod
    def of(cls, change: HealthChange) -> "News":
        provider = change.health.provider
        return cls(
            provider_type=type_of(provider) if provider else "litellm_proxy",
            provider_id=provider.pk if provider else None,
            name=str(change.health),
            before=change.before,
            after=change.after,
            message=change.message,
            at=f"{change.at:%Y-%m-%dT%H:%M:%SZ}",
            url=_address(change),
        )

    @property
    def headline(self) -> str:
        return f"{self.name} is {self.after}, was {self.before}"

    @property
    def text(self) -> str:
        lines = [f"{self.headline}, since {self.at}.", self.message, self.url]
        return "\n".join(line for line in lines if line)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _address(change: HealthChange) -> str:
    """ "" where the settings don't say under which address people find the admin."""
    path = reverse("admin:llm_providerhealth_change", args=[change.health_id])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""
