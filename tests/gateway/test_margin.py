"""What consumers paid against what providers cost, to the nanocredit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.amounts import to_nano
from gateway.margin import report
from gateway.margin.report import Margin
from gateway.models import RequestRow
from gateway.recorder import Record, save
from gateway.rows import RequestValues
from opscenter.core.ids import uuid7
from tests.gateway.people import person
from tests.llmconfig.api import Api

pytestmark = pytest.mark.django_db

URL = "/api/v1/llm/credits/margin"
TODAY = datetime.now(UTC).date()


def called(*, days_ago: int = 0, paid: str = "0", cost_nano_usd: int = 0, **fields: Any) -> None:
    """A call that cost a consumer `paid` credits and the operator so many nanodollars."""
    at = datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=days_ago)
    values: dict[str, Any] = {
        "endpoint": "chat/completions",
        "status": RequestRow.Status.SUCCEEDED,
        "billing_basis": "provider",
        "model": "m1",
        "provider": "openai",
        "tier": "starter",
        "power_level": "precision",
    }
    row = RequestValues(
        id=uuid7(),
        created_at=at,
        charged_nano=to_nano(paid),
        cost_nano_usd=cost_nano_usd,
        **{**values, **fields},
    )
    save([Record(row, [])])


def any_row(random: Random, **fields: Any) -> RequestValues:
    """Of one of four days, of a few consumers, and of one of two of everything that a margin is told by."""
    told_by = ("model", "tier", "provider", "power_level", "component", "environment")
    sums = ("prompt_tokens", "completion_tokens", "charged_nano", "overrun_nano", "expense_nano", "cost_nano_usd")
    values: dict[str, Any] = {
        "id": uuid7(),
        "created_at": datetime.combine(TODAY, datetime.min.time(), UTC) - timedelta(days=random.randrange(4)),
        "status": random.choice(("succeeded", "failed", "refused", "lost")),
        **{name: random.randrange(1, 4) for name in ("account_id", "user_id", "virtual_key_id")},
        **{name: random.choice("ab") for name in told_by},
        **{name: random.randrange(1000) for name in sums},
    }
    return RequestValues(endpoint="chat/completions", billing_basis="provider", **{**values, **fields})


def test_what_is_left_is_what_was_paid_less_what_it_cost(alice: Api) -> None:
    called(paid="1400", cost_nano_usd=10**9, prompt_tokens=600, completion_tokens=400)
    called(paid="700", cost_nano_usd=10**9)
    called(status="failed", cost_nano_usd=5 * 10**8, expense_nano=to_nano("500"))
    called(paid="10", cost_nano_usd=2 * 10**7, overrun_nano=to_nano("18"))

    answer = alice.get(URL)

    assert answer.status == 200
    assert (answer.body["from"], answer.body["to"]) == ((TODAY - timedelta(days=29)).isoformat(), TODAY.isoformat())
    (day,) = answer.body["results"]
    assert day == {"day": TODAY.isoformat(), **answer.body["total"]}
    assert answer.body["total"] == {
        "requests": 4,
        "failed": 1,
        "prompt_tokens": 600,
        "completion_tokens": 400,
        "paid": "2110",
        "paid_usd": "2.11",
        "provider_cost_usd": "2.52",
        "upstream_expense": "500",
        "upstream_expense_usd": "0.5",
        "overrun": "18",
        "overrun_usd": "0.018",
        "margin_usd": "-0.41",
        "margin_percent": "-19.43",
        "below_cost": True,
    }


def test_it_is_told_by_day_model_and_tier(alice: Api) -> None:
    called(paid="3", tier="free")
    called(paid="4", days_ago=1)
    called(paid="5", days_ago=1)
    called(paid="6", model="a1", power_level="eco")

    by_all = alice.get(f"{URL}?group_by=day,model,tier").body["results"]
    told = [(row["day"], row["model"], row["tier"], row["paid"]) for row in by_all]
    yesterday = TODAY - timedelta(days=1)

    assert told == [
        (TODAY.isoformat(), "a1", "starter", "6"),
        (TODAY.isoformat(), "m1", "free", "3"),
        (yesterday.isoformat(), "m1", "starter", "9"),
    ]
    by_level = alice.get(f"{URL}?group_by=power_level").body["results"]
    assert [(row["power_level"], row["paid"]) for row in by_level] == [("eco", "6"), ("precision", "12")]


def test_it_is_the_sum_of_the_requests_by_whatever_it_is_told_and_whatever_became_of_them() -> None:
    random = Random(5)
    for _ in range(4):
        batch = [any_row(random) for _ in range(25)]
        save([Record(row, []) for row in batch])
        lost = [row for row in batch if row.status == RequestRow.Status.LOST]
        own = [any_row(random, id=row.id, created_at=row.created_at, status="succeeded") for row in lost[::2]]
        save([Record(row, []) for row in batch[:5]])
        save([Record(row, []) for row in own])
    first, last = TODAY - timedelta(days=2), TODAY - timedelta(days=1)
    rows = [row for row in RequestRow.objects.all() if first <= row.created_at.date() <= last]

    for group_by in (*((name,) for name in report.GROUPS), report.GROUPS):
        found = report.margins(first=first, last=last, group_by=group_by, most=100)
        assert {margin.of: margin for margin in found} == summed(rows, group_by)
    assert report.total(first=first, last=last) == summed(rows, ())[()]


def summed(rows: list[RequestRow], group_by: Sequence[str]) -> dict[tuple[Any, ...], Margin]:
    """One row after the other."""
    groups: dict[tuple[Any, ...], list[Margin]] = {}
    for row in rows:
        of = tuple(row.created_at.date() if name == "day" else getattr(row, name) for name in group_by)
        margin = Margin(
            of=of,
            requests=1,
            failed=row.status in (RequestRow.Status.FAILED, RequestRow.Status.LOST),
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            paid_nano=row.charged_nano,
            overrun_nano=row.overrun_nano,
            expense_nano=row.expense_nano,
            cost_nano_usd=row.cost_nano_usd,
        )
        groups.setdefault(of, []).append(margin)
    return {of: replace(report.together(margins), of=of) for of, margins in groups.items()}


def test_only_the_days_that_were_asked_for_count(alice: Api) -> None:
    for days_ago in (0, 3, 4, 5):
        called(paid="1", days_ago=days_ago)

    answer = alice.get(f"{URL}?from={TODAY - timedelta(days=4)}&to={TODAY - timedelta(days=3)}")

    assert answer.body["total"]["paid"] == "2"


def test_nothing_paid_is_no_percentage(alice: Api) -> None:
    called(status="failed", cost_nano_usd=10**9)

    total = alice.get(URL).body["total"]

    assert (total["margin_percent"], total["margin_usd"], total["below_cost"]) == (None, "-1", True)


def test_no_calls_are_no_groups(alice: Api) -> None:
    answer = alice.get(URL)

    assert (answer.status, answer.body["results"], answer.body["total"]["paid"]) == (200, [], "0")


@pytest.mark.parametrize(
    ("query", "param", "says"),
    [
        ("group_by=user", "group_by", "'user' is none of day, model, tier"),
        ("group_by=day,", "group_by", "'' is none of"),
        ("from=yesterday", "from", "Date has wrong format"),
        ("from=2026-11-02&to=2026-11-01", "from", "2026-11-02 is after 2026-11-01, the last day."),
        ("from=2024-01-01&to=2026-11-01", "from", "Ask for 366 days at most."),
        ("to=2026-02-30", "to", "Date has wrong format"),
    ],
)
def test_what_makes_no_sense_is_a_422_that_says_why(alice: Api, query: str, param: str, says: str) -> None:
    answer = alice.get(f"{URL}?{query}")

    assert (answer.status, answer.body["error"]["param"]) == (422, param)
    assert says in answer.message


def test_more_groups_than_anyone_reads_are_refused(alice: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.views.margin.MOST_GROUPS", 1)
    called(model="a")
    called(model="b")

    answer = alice.get(f"{URL}?group_by=model")

    assert (answer.status, answer.code) == (422, "too_many_groups")
    assert alice.get(URL).status == 200


def test_it_is_for_operators() -> None:
    assert Api(person("bob", "LLM user")).get(URL).status == 403
    assert Api().get(URL).status == 401


def test_it_asks_as_much_of_the_database_however_many_calls_there_are(alice: Api) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(f"{URL}?group_by=day,model,tier").status == 200
        assert not [query for query in captured.captured_queries if "llm_requests" in query["sql"]]
        return len(captured)

    called()
    count()
    few = count()
    for n in range(12):
        called(model=f"m{n}", days_ago=n)

    assert count() == few


def test_the_dearest_losses_come_first_and_pennies_of_rounding_are_none() -> None:
    called(paid="1", cost_nano_usd=3 * 10**9, model="dear")
    called(paid="1", cost_nano_usd=2 * 10**9, model="cheap", days_ago=2)
    called(paid="1", cost_nano_usd=10**6 + 1, model="rounded")
    called(paid="1", cost_nano_usd=10**6 + 10**7 - 1, model="below a cent")
    called(paid="2000", cost_nano_usd=10**9, model="fine")

    found = report.worst(first=TODAY - timedelta(days=6), last=TODAY, most=5)

    assert [margin.of for margin in found] == [
        (TODAY, "dear", "starter"),
        (TODAY - timedelta(days=2), "cheap", "starter"),
    ]
    assert [margin.margin_usd for margin in found] == [Decimal("-2.999"), Decimal("-1.999")]
