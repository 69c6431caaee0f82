"""GET /api/v1/llm/usage/requests: calls one by one, newest first, in pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.usage import listed
from opscenter.core.models import User
from tests.gateway.people import key_of, person
from tests.gateway.usage.calls import NOW, called
from tests.gateway.usage.test_usage_endpoint import pages
from tests.llmconfig.api import Api

pytestmark = pytest.mark.django_db

URL = "/api/v1/llm/usage/requests"


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user")


def ids(found: list[list[Any]]) -> list[str]:
    return [row["id"] for page in found for row in page]


def test_a_request_is_told_with_what_was_asked_and_what_it_cost(bob: User) -> None:
    key = key_of(bob)
    row = called(
        bob,
        virtual_key_id=key.row.pk,
        component="search",
        operation="ranking",
        paid="0.7",
        held_nano=20 * 10**9,
        prompt_tokens=600,
        completion_tokens=400,
        attempts=2,
    )

    (told,) = Api(bob).get(URL).body["results"]

    assert told["id"] == str(row.id)
    assert (told["user"], told["key"], told["key_name"]) == ("bob", key.row.pk, str(key.row))
    assert (told["component"], told["operation"]) == ("search", "ranking")
    assert (told["held"], told["credits"], told["attempts"]) == ("20", "0.7", 2)
    assert (told["prompt_tokens"], told["completion_tokens"]) == (600, 400)
    assert not {"cost_nano_usd", "expense_nano", "overrun_nano"} & set(told)


def test_pages_bring_each_once_newest_first_while_others_are_made(bob: User) -> None:
    same_moment = datetime(2026, 11, 3, 7, 0, 0, 0, tzinfo=UTC)
    made = [called(bob, days_ago=n) for n in (5, 4, 3)]
    made += [called(bob, days_ago=(NOW - same_moment) / timedelta(days=1)) for _ in range(4)]
    newest_first = [str(row.id) for row in sorted(made, key=lambda row: row.id, reverse=True)]

    first = Api(bob).get(f"{URL}?page_size=3")
    called(bob)
    rest = pages(Api(bob), first.body["next"].removeprefix("http://testserver"))

    assert [len(page) for page in rest] == [3, 1]
    assert [row["id"] for row in first.body["results"]] + ids(rest) == newest_first


def test_consumers_see_their_own_and_operators_everybodys(alice: Api, bob: User) -> None:
    mine, others = called(bob), called(person("carol", "LLM user"))

    assert ids(pages(Api(bob), URL)) == [str(mine.id)]
    assert Api(bob).get(f"{URL}?user=*").status == 403
    assert Api(bob).get(f"{URL}?user=carol").status == 403
    assert ids(pages(alice, f"{URL}?user=carol")) == [str(others.id)]
    assert set(ids(pages(alice, f"{URL}?user=*"))) == {str(mine.id), str(others.id)}
    assert Api().get(URL).status == 401


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("model=m2", {"model": "m2"}),
        ("provider=groq", {"provider": "groq"}),
        ("component=search", {"component": "search"}),
        ("operation=ranking", {"operation": "ranking"}),
        ("environment=prod", {"environment": "prod"}),
        ("status=refused", {"status": "refused"}),
        ("tier=free&power_level=eco", {"tier": "free", "power_level": "eco"}),
    ],
)
def test_they_are_found_by_what_they_are(bob: User, query: str, fields: dict[str, Any]) -> None:
    wanted = called(bob, **fields)
    called(bob)

    assert ids(pages(Api(bob), f"{URL}?{query}")) == [str(wanted.id)]


def test_they_are_found_by_key_and_time(bob: User) -> None:
    key = key_of(bob).row.pk
    for days_ago in (1, 2, 3):
        called(bob, days_ago=days_ago)
    wanted = called(bob, days_ago=2, virtual_key_id=key)
    at = wanted.created_at
    since, until = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", f"{at + timedelta(milliseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"

    assert ids(pages(Api(bob), f"{URL}?key={key}")) == [str(wanted.id)]
    assert len(ids(pages(Api(bob), f"{URL}?from={since}&to={until}"))) == 2
    assert ids(pages(Api(bob), f"{URL}?from={until}"))[0] not in (str(wanted.id), "")
    assert len(ids(pages(Api(bob), f"{URL}?to={since}"))) == 1


def test_a_search_that_finds_little_goes_on_on_further_pages(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "MOST_LOOKED_THROUGH", 4)
    wanted = [called(bob, days_ago=9 - n, model="rare" if n in (0, 7) else "m1") for n in range(10)]

    found = pages(Api(bob), f"{URL}?model=rare")

    assert [len(page) for page in found] == [1, 0, 1]
    assert ids(found) == [str(wanted[7].id), str(wanted[0].id)]


@pytest.mark.once
@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("cursor=1", "cursor"),
        ("cursor=4b7fd9ce-0000-4000-8000-000000000000", "cursor"),
        ("cursor=ffffffff-ffff-7fff-bfff-ffffffffffff", "cursor"),
        ("page_size=201", "page_size"),
        ("status=odd", "status"),
        ("from=today", "from"),
    ],
)
def test_what_makes_no_sense_is_a_422(bob: User, query: str, param: str) -> None:
    answer = Api(bob).get(f"{URL}?{query}")

    assert (answer.status, answer.body["error"]["param"]) == (422, param)
