"""Prices are versions that nothing changes."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from llmconfig.models import Deployment, LLMModel, Price
from llmconfig.services.prices import set_price
from tests.llmconfig.api import Api, on_key


def test_a_changed_price_is_a_new_version(alice: Api) -> None:
    made = alice.model(input_price="1", output_price="2")
    path = f"models/{made['id']}"

    changed = alice.patch(path, {"output_price": "3"})

    assert (changed.body["input_price"], changed.body["output_price"]) == ("1.00", "3.00")
    assert changed.body["price_number"] == 2
    versions = Price.objects.order_by("number").values_list("number", "output_price")
    assert list(versions) == [(1, Decimal(2)), (2, Decimal(3))]


def test_the_same_price_again_is_no_new_version(alice: Api) -> None:
    made = alice.model(input_price="1", output_price="2")

    answer = alice.patch(f"models/{made['id']}", {"input_price": "1.000", "output_price": "2.0", "tier": "starter"})

    assert answer.body["price_number"] == 1
    assert Price.objects.count() == 1


def test_a_withdrawn_price_leaves_the_model_unpriced_and_the_numbers_going_on(alice: Api) -> None:
    made = alice.model(input_price="1", output_price="2")
    path = f"models/{made['id']}"

    withdrawn = alice.patch(path, {"input_price": None})
    again = alice.patch(path, {"input_price": "4"})

    assert (withdrawn.body["input_price"], withdrawn.body["price_number"]) == (None, None)
    assert (again.body["input_price"], again.body["output_price"], again.body["price_number"]) == (
        "4.00",
        None,
        3,
    )


@pytest.mark.parametrize(
    ("sent", "read"),
    [("2", "2.00"), ("0.075", "0.075"), ("0.000001", "0.000001"), ("0", "0.00"), ("15.10", "15.10")],
)
def test_prices_are_exact_strings(alice: Api, sent: str, read: str) -> None:
    assert alice.model(input_price=sent)["input_price"] == read


def test_a_deployments_price_counts_by_itself(alice: Api) -> None:
    made = alice.model(on_key(alice.key()), input_price="1")
    model = LLMModel.objects.get(pk=made["id"])

    price = set_price(model=model, deployment=Deployment.objects.get(), rates={"input_price": Decimal("0.5")})

    assert price is not None
    assert (price.number, model.price and model.price.input_price) == (1, Decimal(1))


@pytest.mark.parametrize("write", ["update", "delete"])
def test_the_database_refuses_to_change_a_price(alice: Api, write: str) -> None:
    alice.model(input_price="1")
    prices = Price.objects.all()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        prices.update(input_price=0) if write == "update" else prices._raw_delete(prices.db)
    assert Price.objects.get().input_price == 1
