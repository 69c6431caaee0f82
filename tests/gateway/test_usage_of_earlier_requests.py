"""The migrations that sum up what was recorded before there were sums."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from msgspec import Raw

from credits.ledger import book
from credits.ledger.moves import Capture, Held, Reserve
from gateway.models import MarginStat, RequestRow, UsageStat
from gateway.recorder import Record, write
from gateway.records import time_of
from gateway.rows import AttemptValues, RequestValues
from gateway.usage.check import Days, check
from opscenter.core.ids import uuid7
from tests.gateway.people import key_of, person, wallet

migration = import_module("gateway.migrations.0010_usage_of_earlier_requests")
of_margins = import_module("gateway.migrations.0012_margins_of_earlier_days")
of_all_sums = import_module("gateway.migrations.0017_sums_of_earlier_days")
of_searches = import_module("gateway.migrations.0021_searches_of_earlier_days")


@pytest.mark.django_db(transaction=True)
def test_what_was_recorded_before_is_summed_up() -> None:
    bob = person("bob", credits_nano=1000)
    (held,) = book.apply([Reserve(uuid7(), wallet(bob).pk, key_of(bob).row.pk, 500, 500)])
    assert isinstance(held, Held)
    book.apply([Capture(held.hold_id, wallet(bob).pk, held.lease_epoch, 640, "provider")])
    at = time_of(held.hold_id)
    row = RequestValues(
        id=held.hold_id,
        created_at=at,
        user_id=bob.pk,
        endpoint="chat/completions",
        model="m1",
        status="failed",
        billing_basis="provider",
        charged_nano=500,
        searches=3,
        rates=Raw(b'{"tier":"starter","power_level":"balanced"}'),
    )
    attempts = [
        AttemptValues(
            id=uuid7(),
            created_at=at,
            request_id=row.id,
            n=n,
            target="d:1",
            model="x",
            provider="openai",
            transport="relay",
            outcome="answered",
            cost_usd=Decimal("0.000000321"),
        )
        for n in (1, 2)
    ]
    write([Record(row, attempts)])
    UsageStat.objects.all().delete()
    MarginStat.objects.all().delete()

    with connection.schema_editor() as editor:
        migration.fill(apps, editor)
        of_margins.fill(apps, editor)
        of_all_sums.fill(apps, editor)
        of_searches.fill(apps, editor)

    stored = RequestRow.objects.get()
    assert (stored.tier, stored.power_level) == ("starter", "balanced")
    assert (stored.cost_nano_usd, stored.overrun_nano, stored.expense_nano) == (642, 140, 0)
    stat = UsageStat.objects.get()
    assert (stat.tier, stat.model, stat.requests, stat.failed, stat.cost_nano_usd) == ("starter", "m1", 1, 1, 642)
    margin = MarginStat.objects.get()
    assert (margin.cost_nano_usd, margin.searches, stat.searches) == (642, 3, 3)
    assert check(Days(at.date(), at.date(), timedelta(minutes=-1))) == []
