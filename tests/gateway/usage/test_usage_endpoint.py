"""GET /api/v1/llm/usage: everybody's own calls by whatever they ask for, and everybody's for operators."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opscenter.core.models import User
from tests.gateway.people import key_of, person
from tests.gateway.usage.calls import TODAY, called
from tests.llmconfig.api import Api

pytestmark = pytest.mark.django_db

URL = "/api/v1/llm/usage"


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user")


def pages(api: Api, address: str) -> list[list[Any]]:
    """The results of each page."""
    found = []
    following: str | None = address
    while following:
        answer = api.get(following.removeprefix("http://testserver"))
        assert answer.status == 200, answer.text
        found.append(answer.body["results"])
        following = answer.body["next"]
    return found


def test_a_day_is_told_with_all_that_its_calls_came_to(bob: User) -> None:
    called(bob, paid="0.7", prompt_tokens=30, cached_tokens=5, cache_write_tokens=4, completion_tokens=12, attempts=2)
    called(bob, paid="1", status="failed", duration_ms=40)
    called(bob, status="refused", duration_ms=2)
    called(bob, billing_basis="byok", searches=3)

    answer = Api(bob).get(URL)

    assert answer.status == 200
    sums = {
        "requests": 4,
        "failed": 1,
        "refused": 1,
        "attempts": 2,
        "prompt_tokens": 30,
        "cached_tokens": 5,
        "cache_write_tokens": 4,
        "completion_tokens": 12,
        "searches": 3,
        "own_key_requests": 1,
        "credits": "1.7",
        "duration_ms": 42,
    }
    assert answer.body == {
        "from": (TODAY - timedelta(days=29)).isoformat(),
        "to": TODAY.isoformat(),
        "group_by": ["day"],
        "total": sums,
        "next": None,
        "results": [{"day": TODAY.isoformat(), **sums}],
    }


@pytest.mark.parametrize("group", ["model", "provider", "component", "environment", "tier", "power_level"])
def test_it_is_told_by_any_group_and_of_one_of_them(bob: User, group: str) -> None:
    a: dict[str, Any] = {group: "a"}
    b: dict[str, Any] = {group: "b"}
    called(bob, **b, paid="2")
    called(bob, **a, paid="3")
    called(bob, **b, paid="4")

    by_group = Api(bob).get(f"{URL}?group_by={group}").body["results"]
    of_one = Api(bob).get(f"{URL}?group_by={group}&{group}=b").body

    assert [(row[group], row["requests"], row["credits"]) for row in by_group] == [("a", 1, "3"), ("b", 2, "6")]
    assert (of_one["results"], of_one["total"]["credits"]) == ([by_group[1]], "6")


def test_keys_are_told_by_id_and_by_name_without_their_secret(bob: User) -> None:
    key = key_of(bob)
    called(bob, virtual_key_id=key.row.pk)
    called(bob)

    answer = Api(bob).get(f"{URL}?group_by=key")

    told = [(row["key"], row["key_name"]) for row in answer.body["results"]]
    assert told == [(None, None), (key.row.pk, str(key.row))]
    assert key.plaintext not in answer.text
    assert Api(bob).get(f"{URL}?group_by=key&key={key.row.pk}").body["total"]["requests"] == 1


def test_consumers_see_their_own_alone(bob: User) -> None:
    carol = person("carol", "LLM user")
    called(bob, paid="1")
    called(carol, paid="2")

    assert Api(bob).get(URL).body["total"]["credits"] == "1"
    assert Api(bob).get(f"{URL}?user=bob").body["total"]["credits"] == "1"
    for others in ("carol", "*", "nobody"):
        assert Api(bob).get(f"{URL}?user={others}").status == 403
    assert Api().get(URL).status == 401
    assert Api(person("dave")).get(URL).status == 403


def test_operators_see_a_users_and_everybodys(alice: Api, bob: User) -> None:
    called(bob, paid="1")
    called(person("carol"), paid="2")
    called(paid="4")

    assert alice.get(URL).body["total"]["requests"] == 0
    assert alice.get(f"{URL}?user=carol").body["total"]["credits"] == "2"
    by_user = alice.get(f"{URL}?user=*&group_by=user").body
    assert [(row["user"], row["credits"]) for row in by_user["results"]] == [(None, "4"), ("bob", "1"), ("carol", "2")]
    assert by_user["total"]["credits"] == "7"
    nobody = alice.get(f"{URL}?user=nobody")
    assert (nobody.status, nobody.body["error"]["param"]) == (422, "user")


def test_pages_bring_every_group_once_in_order(bob: User) -> None:
    for days_ago in (0, 1, 2):
        for model in ("a", "b", ""):
            called(bob, days_ago=days_ago, model=model, paid="1")

    found = pages(Api(bob), f"{URL}?group_by=day,model&page_size=2")

    assert [len(page) for page in found] == [2, 2, 2, 2, 1]
    days = [(TODAY - timedelta(days=days_ago)).isoformat() for days_ago in (2, 1, 0)]
    assert [(row["day"], row["model"]) for page in found for row in page] == [
        (day, model) for day in days for model in ("", "a", "b")
    ]


def test_the_first_page_has_the_total_of_all(bob: User) -> None:
    for model in ("a", "b"):
        called(bob, model=model, paid="1")

    first = Api(bob).get(f"{URL}?group_by=model&page_size=1")
    second = Api(bob).get(first.body["next"].removeprefix("http://testserver"))

    assert (first.body["total"]["credits"], second.body["total"]) == ("2", None)


def test_keys_and_users_are_paged_by_their_ids(alice: Api, bob: User) -> None:
    for _ in range(3):
        called(bob, virtual_key_id=key_of(bob).row.pk)

    found = pages(alice, f"{URL}?user=*&group_by=user,key&page_size=2")

    assert [len(page) for page in found] == [2, 1]
    assert len({row["key"] for page in found for row in page}) == 3


def test_only_the_days_that_were_asked_for_count(bob: User) -> None:
    for days_ago in (0, 3, 4, 5):
        called(bob, paid="1", days_ago=days_ago)

    days = f"from={TODAY - timedelta(days=4)}&to={TODAY - timedelta(days=3)}"

    assert Api(bob).get(f"{URL}?{days}").body["total"]["credits"] == "2"


def test_what_gave_way_to_a_late_row_is_no_group(bob: User) -> None:
    lost = called(bob, status="lost", model="", provider="")
    called(bob, id=lost.id, model="m1")

    assert [row["model"] for row in Api(bob).get(f"{URL}?group_by=model").body["results"]] == ["m1"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("query", "param", "says"),
    [
        ("group_by=operation", "group_by", "'operation' is none of day, model"),
        ("group_by=day,", "group_by", "'' is none of"),
        ("from=yesterday", "from", "Date has wrong format"),
        ("from=2026-11-02&to=2026-11-01", "from", "2026-11-02 is after 2026-11-01, the last day."),
        ("from=2024-01-01&to=2026-11-01", "from", "Ask for 366 days at most."),
        ("key=laptop", "key", "valid integer"),
        ("page_size=501", "page_size", "less than or equal to 500"),
        ("cursor=x", "cursor", "of another list"),
        ("cursor=W10", "cursor", "of another list"),
        ("cursor=WyJhIl0", "cursor", "of another list"),
        ("group_by=key&cursor=WyJhIl0", "cursor", "of another list"),
        ("group_by=model&cursor=WzFd", "cursor", "of another list"),
        ("cursor=%C3%A4", "cursor", "of another list"),
        ("cursor=gICA", "cursor", "of another list"),
    ],
)
def test_what_makes_no_sense_is_a_422_that_says_why(bob: User, query: str, param: str, says: str) -> None:
    answer = Api(bob).get(f"{URL}?{query}")

    assert (answer.status, answer.body["error"]["param"]) == (422, param), answer.text
    assert says in answer.message


@pytest.mark.once
def test_the_first_days_of_the_calendar_are_days(bob: User) -> None:
    assert Api(bob).get(f"{URL}?to=0001-01-05").body["from"] == "0001-01-01"


@pytest.mark.once
def test_it_asks_as_much_of_the_database_however_many_there_are(alice: Api, bob: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert alice.get(f"{URL}?user=*&group_by=day,key,user&page_size=5").status == 200
        assert not [query for query in captured.captured_queries if "llm_requests" in query["sql"]]
        return len(captured)

    for _ in range(6):
        called(bob, virtual_key_id=key_of(bob).row.pk)
    count()
    few = count()
    for n in range(12):
        user = person(f"user{n}")
        called(user, virtual_key_id=key_of(user).row.pk, days_ago=n)

    assert count() == few <= 15
