"""Rows are written by one statement of JSON: what is read back through the models is what was put in."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import models
from msgspec import Raw

from gateway import rows
from gateway.models import AttemptRow, RequestRow
from gateway.rows import AttemptValues, RequestValues
from opscenter.core.ids import uuid7


@pytest.mark.parametrize(("values", "model"), [(RequestValues, RequestRow), (AttemptValues, AttemptRow)])
def test_every_column_has_its_field_and_its_default(values: type[Any], model: type[models.Model]) -> None:
    assert list(values.__struct_fields__) == [field.column for field in model._meta.fields]
    for field in msgspec.structs.fields(values):
        column = model._meta.get_field(field.name)
        assert isinstance(column, models.Field)
        if column.has_default() and field.name != "rates":
            assert field.default == column.get_default()


def _request(**changes: Any) -> RequestValues:
    everything: dict[str, Any] = {
        "id": uuid7(),
        "created_at": datetime(2026, 11, 21, 3, 44, 47, 120_000, tzinfo=UTC),
        "user_id": 2**62,
        "account_id": 3,
        "virtual_key_id": None,
        "client_request_id": 'she said "hi" \\ \t',
        "endpoint": "chat/completions",
        "tier": "starter",
        "power_level": "balanced",
        "environment": "prod",
        "component": "größer 漢字 🦊",
        "operation": "o",
        "routing_path": "r",
        "requested_model": "auto",
        "model": "m",
        "provider": "p",
        "streamed": True,
        "status": "succeeded",
        "http_status": 200,
        "error_code": "",
        "attempts": 2,
        "prompt_tokens": 2**31 - 1,
        "cached_tokens": 1,
        "cache_write_tokens": 2,
        "completion_tokens": 3,
        "billing_basis": "provider",
        "held_nano": 2**63 - 1,
        "charged_nano": 2**53 + 1,
        "overrun_nano": 2**53 + 3,
        "expense_nano": 4,
        "cost_nano_usd": 2**53 + 5,
        "rates": Raw(b'{"a":[1,"x",null]}'),
        "duration_ms": 4,
        "first_token_ms": 5,
        "overhead_ms": 1.234,
    }
    return RequestValues(**{**everything, **changes})


def _attempt(request: RequestValues) -> AttemptValues:
    return AttemptValues(
        id=uuid7(),
        created_at=request.created_at,
        request_id=request.id,
        n=1,
        target="local (d:1)",
        deployment_id=1,
        model="up",
        provider="local",
        transport="relay",
        provider_key_id=7,
        price_id=9,
        rates=Raw(b'{"input":"2.00"}'),
        outcome="answered",
        upstream_status=200,
        message="fine",
        usage_source="provider",
        prompt_tokens=1,
        cached_tokens=2,
        cache_write_tokens=3,
        completion_tokens=4,
        cost_usd=Decimal("0.123456789"),
        duration_ms=5,
    )


def _plain(values: RequestValues | AttemptValues) -> dict[str, Any]:
    known = msgspec.structs.asdict(values)
    return {**known, "rates": msgspec.json.decode(known["rates"])}


@pytest.mark.django_db
def test_what_is_written_is_what_is_read() -> None:
    request = _request()
    attempt = _attempt(request)

    rows.insert_requests([request])
    rows.insert_attempts([attempt])

    assert RequestRow.objects.values().get() == _plain(request)
    assert AttemptRow.objects.values().get() == _plain(attempt)


@pytest.mark.django_db
def test_a_row_of_this_statement_is_found_by_its_time_and_its_id() -> None:
    """SQLite compares moments as text: they have to be written as Django writes them."""
    for microsecond in (0, 1000, 120_000):
        moment = datetime(2026, 11, 21, 3, 44, 47, microsecond, tzinfo=UTC)
        request = _request(created_at=moment)
        rows.insert_requests([request])
        assert RequestRow.objects.filter(pk=request.id, created_at__gte=moment, created_at__lte=moment).exists()


@pytest.mark.django_db
def test_a_row_that_is_there_stays() -> None:
    first = _request(charged_nano=7)
    rows.insert_requests([first])

    other = _request()
    assert rows.insert_requests([_request(id=first.id, charged_nano=9), other]) == {other.id}

    assert RequestRow.objects.get(pk=first.id).charged_nano == 7
    assert RequestRow.objects.count() == 2
