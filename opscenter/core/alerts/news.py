"""What people are told, in words for letters and as data for webhooks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class News:
    """`type` and `data` are a webhook's. Of one `type` and `about` nobody is told twice by the same channel."""

    type: str
    about: str
    at: datetime
    headline: str
    text: str
    data: dict[str, Any]


def utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def lines(*lines: str) -> str:
    """One below the other; without those that are empty."""
    return "\n".join(line for line in lines if line)


def page_of(row: Model) -> str:
    """Its address in the admin, or "" while PUBLIC_URL is."""
    path = reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else ""
