"""GET /api/v1/llm/usage/requests/{id}: a call's receipt, which says how its price came about and recomputes it."""

from typing import Any
from uuid import uuid4

import pytest

from gateway.models import PrunedMonth, RequestRow
from gateway.services.keys import IssuedKey
from opscenter.core.ids import uuid7
from opscenter.core.models import User
from tests.admin.site import make_request
from tests.gateway.people import key_of, person, wallet
from tests.gateway.usage.calls import TODAY, called
from tests.llmconfig.api import Api

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user", credits_nano=10**12)


@pytest.fixture
def key(bob: User) -> IssuedKey:
    return key_of(bob)


def receipt_of(api: Api, id: Any) -> Any:
    return api.get(f"/api/v1/llm/usage/requests/{id}")


def test_it_has_all_that_the_price_rests_on_and_comes_to_the_same(bob: User, key: IssuedKey) -> None:
    row = make_request(wallet(bob), key.row)

    answer = receipt_of(Api(bob), row.pk)

    assert answer.status == 200
    told = answer.body
    assert (told["request"]["id"], told["request"]["credits"]) == (str(row.pk), "0.7")
    assert [(attempt["n"], attempt["outcome"]) for attempt in told["attempts"]] == [(1, "unreachable"), (2, "answered")]
    assert (told["rates"]["input"], told["rates"]["markup"], told["rates"]["multiplier"]) == ("2.00", "0.4", "0.25")
    assert (told["hold"]["state"], told["hold"]["amount"], told["hold"]["captured"]) == ("CAPTURED", "20", "0.7")
    assert [(moved["kind"], moved["amount"]) for moved in told["moved"]] == [("usage", "-0.7")]
    bill = told["bill"]
    assert (bill["recomputed"], bill["agrees"], bill["contradictions"]) == ("0.7", True, [])
    assert bill["steps"][0] == {"what": "Input", "how": "600 tokens × $2 per 1M", "result": "$0.0012"}
    assert "gpu" not in answer.text


def test_a_bill_that_contradicts_itself_says_so(bob: User, key: IssuedKey) -> None:
    row = make_request(wallet(bob), key.row)
    RequestRow.objects.filter(pk=row.pk).update(charged_nano=8 * 10**8)

    bill = receipt_of(Api(bob), row.pk).body["bill"]

    assert (bill["agrees"], bill["recomputed"], len(bill["contradictions"])) == (False, "0.7", 2)


def test_what_was_refused_has_a_receipt_of_nothing(bob: User) -> None:
    row = called(bob, status="refused", billing_basis="void", model="", provider="")

    told = receipt_of(Api(bob), row.id).body

    assert (told["hold"], told["attempts"], told["moved"], told["bill"]["recomputed"]) == (None, [], [], "0")


def test_only_whose_call_it_was_and_operators_see_it(alice: Api, bob: User, key: IssuedKey) -> None:
    row = make_request(wallet(bob), key.row)

    assert receipt_of(alice, row.pk).status == 200
    assert receipt_of(Api(person("carol", "LLM user")), row.pk).status == 404
    assert receipt_of(Api(), row.pk).status == 401
    assert {receipt_of(Api(bob), id).status for id in (uuid7(), uuid4())} == {404}


def test_of_a_request_that_is_no_longer_kept_it_tells_what_the_ledger_knows(
    alice: Api, bob: User, key: IssuedKey
) -> None:
    row = make_request(wallet(bob), key.row)
    RequestRow.objects.all().delete()
    PrunedMonth.objects.create(month=TODAY.replace(day=1), requests=1)

    for api in (Api(bob), alice):
        answer = receipt_of(api, row.pk)

        assert (answer.status, answer.code) == (410, "request_pruned")
        assert f"{TODAY:%B %Y}" in answer.message
        known = answer.body["error"]["details"]
        assert (known["held"], known["credits"], known["basis"]) == ("20", "0.7", "provider")
        (moved,) = known["moved"]
        assert (moved["kind"], moved["amount"], moved["model"], moved["tokens"]) == ("usage", "-0.7", "m1", 30)
        assert "rates" in known

    carols = receipt_of(Api(person("carol", "LLM user")), row.pk)
    assert (carols.status, carols.body["error"]["details"]) == (410, None)
    assert receipt_of(Api(bob), uuid7()).body["error"]["details"] is None


def test_one_that_is_about_to_be_written_is_not_called_lost(bob: User, key: IssuedKey) -> None:
    row = make_request(wallet(bob), key.row)
    RequestRow.objects.all().delete()

    answer = receipt_of(Api(bob), row.pk)

    assert (answer.status, "in a moment" in answer.message) == (404, True)
