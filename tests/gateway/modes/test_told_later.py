"""What usage, receipts, checks and the admin's pages say of a request that several calls have answered."""

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from credits.amounts import to_text
from credits.models import Hold
from gateway import lost
from gateway.models import RequestRow
from gateway.recorder import Record, write
from gateway.usage import check
from gateway.usage.check import Days
from gateway.usage.repair import repair
from tests.gateway.in_process import InProcess
from tests.gateway.modes.conftest import Ask, rows, spent

pytestmark = pytest.mark.django_db(transaction=True)


def _days() -> Days:
    today = timezone.now().date()
    return Days(today - timedelta(days=1), today, settled_after=timedelta(minutes=-1))


def _problems() -> list[str]:
    return [problem.name for problem in check.check(_days())]


def test_checks_look_at_a_request_and_its_parts_together_and_repair_its_own_row(ask: Ask) -> None:
    ask()
    whole, parts = rows(4)
    cost = spent()
    RequestRow.objects.filter(pk=parts[1].pk).update(charged_nano=parts[1].charged_nano + 5)
    assert _problems() == ["U1", "U2"]

    repair(_days())

    assert _problems() == []
    whole.refresh_from_db()
    assert whole.charged_nano == -5
    assert cost == sum(RequestRow.objects.values_list("charged_nano", flat=True))


def test_the_row_of_a_call_that_was_taken_for_lost_makes_way_for_all_of_its_own(serving: InProcess, ask: Ask) -> None:
    """As where the recorder of a living worker was slower than the sweep's look for rows."""
    waiting: list[Record] = []
    recorder = serving.runtime.recorder
    put, recorder.put = recorder.put, lambda *record: waiting.append(Record(*record))  # type: ignore[method-assign]
    try:
        ask()
    finally:
        recorder.put = put  # type: ignore[method-assign]
    write([Record(row, []) for row in lost.rows_of(Hold.objects.select_related("account"))])
    assert RequestRow.objects.get().status == "lost"
    assert _problems() == []

    write(waiting)

    assert sorted(RequestRow.objects.values_list("status", flat=True)) == ["succeeded"] * 5
    assert _problems() == []


@pytest.mark.once
def test_a_receipt_is_the_sum_of_the_inner_calls(key: str, ask: Ask, client: Client) -> None:
    ask()
    whole, parts = rows(4)
    cost = to_text(spent())

    told = _get(client, key, f"requests/{whole.pk}").json()
    part = _get(client, key, f"requests/{parts[0].pk}").json()

    assert [one["parent_id"] for one in told["parts"]] == [str(whole.pk)] * 4
    assert (told["bill"]["recomputed"], told["bill"]["agrees"], told["hold"]["captured"]) == (cost, True, cost)
    assert [step["what"] for step in told["bill"]["steps"]] == ["step_generation"] * 3 + ["synthesis"]
    assert (part["bill"]["recomputed"], part["bill"]["agrees"]) == (part["request"]["credits"], True)
    assert (part["parts"], part["hold"]["captured"]) == ([], cost)


@pytest.mark.once
def test_an_export_has_whose_parts_they_are(serving: InProcess, key: str, ask: Ask) -> None:
    ask()
    whole, _ = rows(4)

    exported = serving.call("GET", "/api/v1/llm/usage/export", key=key)
    lines = list(csv.DictReader(StringIO(exported.text)))

    assert [line["parent_id"] for line in lines] == ["", *[str(whole.pk)] * 4]


@pytest.mark.once
def test_operators_find_the_inner_calls_on_the_requests_page(ask: Ask, admin_client: Client) -> None:
    ask()
    whole, parts = rows(4)

    page = admin_client.get(f"/admin/gateway/requestrow/{whole.pk}/change/").content.decode()
    inner = admin_client.get(f"/admin/gateway/requestrow/{parts[0].pk}/change/").content.decode()
    listed = admin_client.get("/admin/gateway/requestrow/").content.decode()

    assert "Inner calls" in page
    assert all(f"{part.pk}/change/" in page for part in parts)
    assert "Agrees" in page
    assert f"{whole.pk}/change/" in inner
    # Neither tokens nor credits of its own, which would look like a free call.
    assert listed.count("in its calls") == 2


def _get(client: Client, key: str, path: str) -> Any:
    return client.get(f"/api/v1/llm/usage/{path}", headers={"Authorization": f"Bearer {key}"})
