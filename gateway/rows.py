"""The rows of both tables as they are written: light objects, since a model's instance and its part in a bulk_create
cost more than a fifth of a whole call (docs/adr/0009). Fields are the models' columns; a test holds them together.
"""

from datetime import datetime
from decimal import Decimal
from functools import cache
from uuid import UUID

import msgspec
from django.db import connection

from gateway.models import AttemptRow, RequestRow
from opscenter.core.json_rows import Rows

EMPTY = msgspec.Raw(b"{}")


class RequestValues(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """gateway.models.RequestRow; `rates` is JSON as written."""

    id: UUID
    created_at: datetime
    user_id: int | None = None
    account_id: int | None = None
    virtual_key_id: int | None = None
    client_request_id: str = ""
    endpoint: str
    tier: str = ""
    power_level: str = ""
    environment: str = ""
    component: str = ""
    operation: str = ""
    routing_path: str = ""
    requested_model: str = ""
    model: str = ""
    provider: str = ""
    streamed: bool = False
    status: str
    http_status: int | None = None
    error_code: str = ""
    attempts: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    searches: int = 0
    billing_basis: str
    held_nano: int = 0
    charged_nano: int = 0
    overrun_nano: int = 0
    expense_nano: int = 0
    cost_nano_usd: int = 0
    rates: msgspec.Raw = EMPTY
    duration_ms: int = 0
    first_token_ms: int | None = None
    overhead_ms: float = 0.0
    parent_id: UUID | None = None


class AttemptValues(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """gateway.models.AttemptRow; `rates` is JSON as written."""

    id: UUID
    created_at: datetime
    request_id: UUID
    n: int
    target: str
    deployment_id: int | None = None
    model: str
    provider: str
    transport: str
    provider_key_id: int | None = None
    price_id: int | None = None
    rates: msgspec.Raw = EMPTY
    outcome: str
    upstream_status: int | None = None
    message: str = ""
    usage_source: str = AttemptRow.UsageSource.NONE.value
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    searches: int = 0
    cost_usd: Decimal = Decimal(0)
    duration_ms: int = 0


def insert_requests(rows: list[RequestValues]) -> set[UUID]:
    """Write them in one statement; those that are there already stay as they are. Returns the ids of the new ones.

    Raises ValueError or a database error for a row that can't be written, and then none is.
    """
    if not rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"{_statement(RequestValues, connection.vendor)} RETURNING id", _parameter(rows))
        return {id if isinstance(id, UUID) else UUID(id) for (id,) in cursor.fetchall()}


def insert_attempts(rows: list[AttemptValues]) -> None:
    """Likewise."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_statement(AttemptValues, connection.vendor), _parameter(rows))


def _parameter(rows: list[RequestValues] | list[AttemptValues]) -> dict[str, str]:
    return {"rows": msgspec.json.encode(rows).decode()}


_MODELS = {RequestValues: RequestRow, AttemptValues: AttemptRow}
_KINDS = {
    "UUIDField": "uuid",
    "DateTimeField": "timestamptz",
    "BooleanField": "boolean",
    "JSONField": "jsonb",
    "FloatField": "float8",
    "DecimalField": "numeric",
    "CharField": "text",
}


@cache
def _statement(values: type[RequestValues] | type[AttemptValues], vendor: str) -> str:
    model = _MODELS[values]
    names = values.__struct_fields__
    kinds = [_KINDS.get(model._meta.get_field(name).get_internal_type(), "bigint") for name in names]
    typed = ", ".join(f"{name} {kind}" for name, kind in zip(names, kinds, strict=True))
    columns = ", ".join(names)
    # Without WHERE, SQLite takes the ON of ON CONFLICT for a join's.
    return (
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {columns} FROM {format(Rows(vendor), typed)} "
        "WHERE TRUE ON CONFLICT DO NOTHING"
    )
