"""GET /api/v1/llm/usage/export: usage as CSV that a spreadsheet opens and runs nothing of."""

import csv
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client

from gateway.recorder import Record, save
from gateway.usage import export, listed
from gateway.views import usage_export
from opscenter.core.models import User
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.gateway.usage.calls import NOW, TODAY, call, called

URL = "/api/v1/llm/usage/export"

# What is sent gives its connection back between two parts, which a test's transaction would not outlive.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user")


def exported(user: User, query: str = "") -> list[dict[str, str]]:
    client = Client()
    client.force_login(user)
    response: Any = client.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert isinstance(response, StreamingHttpResponse)
    return list(csv.DictReader(StringIO(_text_of(response))))


def _text_of(response: Any) -> str:
    async def collected() -> bytes:
        return b"".join([part async for part in response.streaming_content])

    return async_to_sync(collected)().decode()


def test_each_request_is_a_line_oldest_first(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 2)
    key = key_of(bob).row
    made = [called(bob, days_ago=n, virtual_key_id=key.pk, component="search", paid=f"0.{n}") for n in (5, 4, 3, 2, 1)]

    lines = exported(bob)

    assert [line["id"] for line in lines] == [str(row.id) for row in made]
    assert [line["credits"] for line in lines] == ["0.5", "0.4", "0.3", "0.2", "0.1"]
    first = lines[0]
    assert (first["user"], first["key_name"], first["component"]) == ("bob", str(key), "search")
    assert first["created_at"] == f"{made[0].created_at:%Y-%m-%dT%H:%M:%S}.{made[0].created_at.microsecond // 1000:03}Z"


def test_each_group_is_a_line(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 1)
    key = key_of(bob).row
    called(bob, model="b", virtual_key_id=key.pk, paid="1", prompt_tokens=7)
    called(bob, model="a", paid="2", searches=2)
    called(bob, model="a", paid="3", searches=1, billing_basis="byok")

    lines = exported(bob, "group_by=model,key")

    told = [(line["model"], line["key"], line["key_name"], line["requests"], line["credits"]) for line in lines]
    assert told == [("a", "", "", "2", "5"), ("b", str(key.pk), str(key), "1", "1")]
    assert [(line["searches"], line["own_key_requests"]) for line in lines] == [("3", "1"), ("0", "0")]


@pytest.mark.once
def test_no_text_is_a_formula_and_each_stays_one_cell(bob: User) -> None:
    texts = [f'{begins}HYPERLINK("http://example.org","x")' for begins in ("=", "+", "-", "@", "\t", "\r", "\n")]
    harmless = ['a,"b"\nc', "1-2", "'=1"]
    for text in (*texts, *harmless):
        called(bob, component=text, requested_model=text)

    lines, groups = exported(bob), exported(bob, "group_by=component")

    guarded = sorted([*(f"'{text}" for text in texts), *harmless])
    assert sorted(line["component"] for line in lines) == guarded
    assert sorted(line["requested_model"] for line in lines) == guarded
    assert sorted(group["component"] for group in groups) == guarded


@pytest.mark.once
def test_only_what_was_asked_for_is_in_it(bob: User) -> None:
    carol = person("carol", "LLM user")
    called(carol)
    wanted = [called(bob, model="m2", days_ago=2), called(bob, model="m2", days_ago=1)]
    called(bob, model="m2", days_ago=9)
    called(bob)

    days = f"from={TODAY - timedelta(days=3)}&to={TODAY}"

    assert [line["id"] for line in exported(bob, f"model=m2&{days}")] == [str(row.id) for row in wanted]
    assert [line["user"] for line in exported(person("alice", "LLM admin"), f"{days}&user=carol")] == ["carol"]
    client = Client()
    client.force_login(bob)
    assert {client.get(f"{URL}?user=*{more}").status_code for more in ("", "&group_by=day")} == {403}
    assert client.get(f"{URL}?group_by=odd").status_code == 422
    assert Client().get(URL).status_code == 401


@pytest.mark.once
def test_what_is_rare_is_found_however_much_is_looked_through(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "MOST_LOOKED_THROUGH", 3)
    monkeypatch.setattr(export, "AT_ONCE", 2)
    models = ["rare", *["m1"] * 7, "rare", "rare", "rare", *["m1"] * 2]
    made = [called(bob, days_ago=20 - n, model=model) for n, model in enumerate(models)]

    lines = exported(bob, "model=rare")

    assert [line["id"] for line in lines] == [str(row.id) for row in made if row.model == "rare"]
    assert exported(bob, "model=none") == []


def test_files_are_made_in_turns_so_that_others_reach_the_database_too() -> None:
    class Parts:
        def __next__(self) -> str:
            assert not usage_export._turn.acquire(blocking=False)
            raise RuntimeError("as a failing database does")

    for _ in range(2):
        with pytest.raises(RuntimeError):
            usage_export._next_of(cast(Iterator[str], Parts()))


def test_a_long_file_takes_no_more_memory_than_a_short_one(bob: User) -> None:
    def most_bytes(days: int) -> int:
        wanted = listed.Wanted(user_id=bob.pk, since=NOW - timedelta(days=days))
        tracemalloc.start()
        size = sum(len(part) for part in export.of_requests(wanted))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > days * export.AT_ONCE * 100
        return most

    for days_ago in range(6):
        at = NOW - timedelta(days=days_ago, minutes=1)
        save([Record(call(bob, at=at), []) for _ in range(export.AT_ONCE)])
    most_bytes(1)

    assert most_bytes(6) < 1.5 * most_bytes(2)


def test_a_virtual_key_is_sent_its_users_file(serving: InProcess) -> None:
    key = key_of(person("bob", "LLM user"))
    row = called(key.row.user, virtual_key_id=key.row.pk)

    answer = serving.get(URL, key=key.plaintext)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-disposition"].startswith('attachment; filename="requests-')
    assert str(row.id) in answer.text
