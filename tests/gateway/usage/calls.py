"""Calls as the recorder writes them, of any day, without any call."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from credits.amounts import to_nano
from gateway.recorder import Record, save
from gateway.records import time_of
from gateway.rows import AttemptValues, RequestValues
from opscenter.core.ids import uuid7
from opscenter.core.models import User

NOW = datetime.now(UTC)
TODAY = NOW.date()


def id_at(moment: datetime) -> UUID:
    """A request's id as it would have been made then."""
    milliseconds = round(moment.timestamp() * 1000)
    value = milliseconds << 80 | int.from_bytes(os.urandom(7), "big")
    return UUID(int=value | 0x7 << 76 | 0x2 << 62)


def call(user: User | None = None, *, at: datetime | None = None, paid: str = "0", **fields: Any) -> RequestValues:
    """One that was answered, unless `fields` say otherwise."""
    id = fields.pop("id", None) or id_at(at or NOW)
    values: dict[str, Any] = {
        "endpoint": "chat/completions",
        "status": "succeeded",
        "billing_basis": "provider",
        "user_id": user.pk if user else None,
        "model": "m1",
        "requested_model": "m1",
        "provider": "openai",
        "tier": "starter",
        "power_level": "precision",
    }
    return RequestValues(id=id, created_at=time_of(id), charged_nano=to_nano(paid), **{**values, **fields})


def called(user: User | None = None, *, days_ago: float = 0, attempts: int = 0, **fields: Any) -> RequestValues:
    """The same, written with so many attempts."""
    row = call(user, at=NOW - timedelta(days=days_ago), attempts=attempts, **fields)
    save([Record(row, [attempt(row, n + 1) for n in range(attempts)])])
    return row


def attempt(row: RequestValues, n: int) -> AttemptValues:
    return AttemptValues(
        id=uuid7(),
        created_at=row.created_at,
        request_id=row.id,
        n=n,
        target="gpu (d:1)",
        model="x",
        provider=row.provider,
        transport="relay",
        outcome="answered",
    )
