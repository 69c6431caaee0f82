"""GET /api/v1/llm/credits/transactions: everything that moved, in pages, and found by what is known of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credits import statements
from credits.amounts import NANO
from credits.ledger import book
from credits.ledger.moves import Capture, Facts
from credits.models import Account, Entry, Journal
from credits.services import grants
from credits.services.sweep import sweep
from opscenter.core.ids import uuid7
from tests.credits.conftest import Give
from tests.credits.ledger import claw_back, deliver, forget, held, post
from tests.credits.people import Asking, consumer, operator


def call(account: Account, cost: int = 1, *, model: str = "m1", provider: str = "local") -> UUID:
    id = held(account, cost)
    book.apply([Capture(id, account.pk, 1, cost, "provider", Facts(model, provider, 30))])
    return id


def numbers(asking: Asking, **query: Any) -> list[int]:
    """Of everything that is found, page by page."""
    found, answer = [], asking.get("/credits/transactions", **query)
    while True:
        assert answer.status_code == 200, answer.content
        found += [row["number"] for row in answer.json()["results"]]
        if answer.json()["next"] is None:
            return found
        answer = asking.client.get(answer.json()["next"])


def when(account: Account, number: int) -> Any:
    return Entry.objects.get(account=account, version=number).journal.created_at


@pytest.fixture
def busy(alice: Account, give: Give) -> Account:
    """1 a grant, 2 to 6 calls of m1, 7 what was taken back, 8 a call of m2."""
    give(alice, "1")
    for _ in range(5):
        call(alice)
    grants.adjust(account=alice, amount_nano=-NANO // 2, reason="A mistake")
    call(alice, model="m2", provider="openai")
    alice.refresh_from_db()
    return alice


def test_a_transaction_says_what_it_was_and_what_it_left(alice: Account, give: Give) -> None:
    give(alice, "1")
    id = call(alice, 7)
    newest, oldest = consumer(alice).get("/credits/transactions").json()["results"]
    entry = Entry.objects.get(account=alice, version=2)
    assert newest.pop("created_at")
    assert newest == {
        "id": entry.pk,
        "number": 2,
        "account": "wallet",
        "kind": "usage",
        "amount": "-0.000000007",
        "balance_after": "0.999999993",
        "reason": "provider",
        "request_id": str(id),
        "model": "m1",
        "provider": "local",
        "tokens": 30,
    }
    assert (oldest["kind"], oldest["amount"], oldest["reason"], oldest["request_id"]) == (
        "grant",
        "1",
        "for the test",
        None,
    )


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9])
def test_pages_have_everything_once_newest_first(busy: Account, size: int) -> None:
    assert numbers(consumer(busy), page_size=size) == [8, 7, 6, 5, 4, 3, 2, 1]


def test_what_is_made_while_somebody_turns_pages_shifts_nothing(busy: Account) -> None:
    asking = consumer(busy)
    first = asking.get("/credits/transactions", page_size=4).json()
    call(busy)
    second = asking.client.get(first["next"]).json()
    assert [row["number"] for row in second["results"]] == [4, 3, 2, 1]


def movements(asking: Asking, **query: Any) -> list[tuple[str, str, str]]:
    """(account, kind, amount) of everything that is found, page by page, the oldest first."""
    found, answer = [], asking.get("/credits/transactions", **query)
    while True:
        found += [(row["account"], row["kind"], row["amount"]) for row in answer.json()["results"]]
        if answer.json()["next"] is None:
            return found[::-1]
        answer = asking.client.get(answer.json()["next"])


@pytest.fixture
def indebted(alice: Account) -> Account:
    """Owes from the beginning, pays it by and by, owes again, and has entries of the wallet in between."""
    claw_back(alice, 30 * NANO)
    post(alice, 10 * NANO)
    post(alice, 25 * NANO)
    call(alice, NANO)
    call(alice, NANO)
    claw_back(alice, 10 * NANO)
    post(alice, 2 * NANO)
    return alice


EVERYTHING = [
    ("debt", "grant", "-30"),
    ("debt", "grant", "10"),
    ("wallet", "grant", "5"),
    ("debt", "grant", "20"),
    ("wallet", "usage", "-1"),
    ("wallet", "usage", "-1"),
    ("wallet", "grant", "-3"),
    ("debt", "grant", "-7"),
    ("debt", "grant", "2"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
def test_what_a_debt_took_and_what_paid_it_is_told_once_and_in_its_place(indebted: Account, size: int) -> None:
    assert movements(consumer(indebted), page_size=size) == EVERYTHING


def test_a_payment_that_a_debt_took_whole_is_told_though_the_wallet_never_moved(alice: Account) -> None:
    claw_back(alice, 5)
    post(alice, 2, kind="purchase", against="purchases")
    rows = consumer(alice).get("/credits/transactions", kind="purchase").json()["results"]
    assert [(row["account"], row["amount"], row["number"], row["balance_after"]) for row in rows] == [
        ("debt", "0.000000002", None, None)
    ]


def test_debts_are_found_by_kind_and_time_and_by_no_call(indebted: Account) -> None:
    asking, fourth = consumer(indebted), when(indebted, 4)
    assert movements(asking, kind="grant") == [row for row in EVERYTHING if row[1] == "grant"]
    assert movements(asking, kind="usage") == [row for row in EVERYTHING if row[1] == "usage"]
    assert movements(asking, model="m1") == [row for row in EVERYTHING if row[1] == "usage"]
    since = movements(asking, **{"from": fourth.isoformat()})
    until = movements(asking, to=fourth.isoformat())
    assert until + since == EVERYTHING
    assert ("wallet", "grant", "-3") in since and ("debt", "grant", "-30") in until


def test_nobody_sees_anothers_debt(indebted: Account, bob: Account) -> None:
    assert movements(consumer(bob)) == []
    assert movements(operator("olga"), user="alice") == EVERYTHING


def test_an_account_that_has_none_has_an_empty_page(alice: Account) -> None:
    assert consumer(alice).get("/credits/transactions").json() == {"next": None, "results": []}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "grant"}, [1]),
        ({"kind": "manual"}, [7]),
        ({"kind": "purchase"}, []),
        ({"kind": "usage"}, [8, 6, 5, 4, 3, 2]),
        ({"kind": "adjustment"}, []),
        ({"model": "m2"}, [8]),
        ({"model": "m1", "kind": "usage"}, [6, 5, 4, 3, 2]),
        ({"model": "m1", "kind": "grant"}, []),
        ({"provider": "openai"}, [8]),
        ({"model": "m1", "provider": "openai"}, []),
    ],
    ids=str,
)
@pytest.mark.parametrize("looked_through", [2, 5_000])
def test_they_are_found_by_what_they_were_for(
    busy: Account, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], found: list[int], looked_through: int
) -> None:
    monkeypatch.setattr(statements, "MOST_LOOKED_THROUGH", looked_through)
    assert numbers(consumer(busy), **query) == found
    assert numbers(consumer(busy), **query, page_size=1) == found


def test_a_search_that_finds_nothing_looks_through_so_many_and_goes_on_where_it_stopped(
    busy: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_LOOKED_THROUGH", 3)
    answer = consumer(busy).get("/credits/transactions", model="never").json()
    assert answer["results"] == []
    assert "cursor=6" in answer["next"]


def test_a_request_is_found_with_what_came_back_of_it(alice: Account, give: Give) -> None:
    give(alice, "1")
    call(alice)
    id = held(alice, 100)
    deliver(id, 10, 50)
    forget(id)
    sweep()
    book.apply([Capture(id, alice.pk, 1, 20, "provider", Facts("m1", "local", 30))])
    asking = consumer(alice)
    rows = asking.get("/credits/transactions", request=str(id)).json()["results"]
    assert [(row["kind"], row["amount"]) for row in rows] == [
        ("adjustment", "0.00000003"),
        ("usage", "-0.00000005"),
    ]
    assert numbers(asking, kind="adjustment") == [4]
    assert numbers(asking, request=str(uuid7())) == []


def test_what_the_sweep_charged_is_usage_too(alice: Account, give: Give) -> None:
    give(alice, "1")
    id = held(alice, 100)
    deliver(id, 10, 50)
    forget(id)
    sweep()
    assert numbers(consumer(alice), kind="usage") == [2]


@pytest.mark.parametrize("number", range(1, 9))
def test_times_bound_what_is_found(busy: Account, number: int) -> None:
    asking, moment = consumer(busy), when(busy, number)
    since = numbers(asking, **{"from": moment.isoformat()})
    until = numbers(asking, to=moment.isoformat())
    # Several may be of one moment, which counts as the beginning and not as the end.
    assert number in since and number not in until
    assert since + until == [8, 7, 6, 5, 4, 3, 2, 1]
    both = numbers(asking, **{"from": moment.isoformat(), "to": when(busy, 8).isoformat()})
    assert both == [n for n in since if when(busy, n) < when(busy, 8)]


def test_a_time_before_or_after_everything_bounds_nothing(busy: Account) -> None:
    asking, first, last = consumer(busy), when(busy, 1), when(busy, 8)
    day = timedelta(days=1)
    assert len(numbers(asking, **{"from": (first - day).isoformat(), "to": (last + day).isoformat()})) == 8
    assert numbers(asking, **{"from": (last + day).isoformat()}) == []
    assert numbers(asking, to=(first - day).isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "theft"},
        {"from": "yesterday"},
        {"to": "never"},
        {"request": "7"},
        {"cursor": "0"},
        {"cursor": "x"},
        {"page_size": "0"},
        {"page_size": "201"},
    ],
    ids=str,
)
def test_what_can_not_be_asked_is_refused_and_named(busy: Account, query: dict[str, str]) -> None:
    answer = consumer(busy).get("/credits/transactions", **query)
    (name,) = query
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, name)


def test_each_sees_their_own(busy: Account, bob: Account) -> None:
    assert numbers(consumer(bob)) == []
    answer = consumer(bob).get("/credits/transactions", user="alice")
    assert answer.status_code == 403
    request = Journal.objects.filter(kind="usage").latest("pk").request_id
    assert numbers(consumer(bob), request=str(request)) == []


def test_an_operator_sees_whom_they_name(busy: Account) -> None:
    asking = operator("olga")
    assert numbers(asking, user="alice") == [8, 7, 6, 5, 4, 3, 2, 1]
    assert numbers(asking) == []
    answer = asking.get("/credits/transactions", user="nobody")
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "user")


def test_a_page_costs_the_same_however_many_rows_it_has(busy: Account) -> None:
    asking = consumer(busy)

    def queries(**query: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert asking.get("/credits/transactions", **query).status_code == 200
        return len(captured)

    assert queries(page_size=1) == queries(page_size=200)


def test_no_kind_that_is_found_without_a_model_has_one(busy: Account, give: Give) -> None:
    """What the index of entries without a model rests on."""
    kinds = {kind for kind in Journal.Kind if kind not in ("usage", "adjustment", "upstream_expense")}
    assert not Entry.objects.filter(journal__kind__in=kinds).exclude(model="").exists()
    assert Entry.objects.filter(journal__kind__in=kinds).exists()
