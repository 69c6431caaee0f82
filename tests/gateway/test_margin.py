"""What consumers paid against what providers cost, to the nanocredit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits.amounts import to_nano
from gateway.margin import report
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
