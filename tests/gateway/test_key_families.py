"""Calls by a key that was made under another count against that one too, and end with it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from credits import checker
from credits.models import Budget
from gateway import callers
from gateway.services import keys
from gateway.services.keys import IssuedKey
from opscenter.core import changes
from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.gateway.in_process import InProcess
from tests.gateway.people import caller_by, key_of, person
from tests.llmconfig.api import Api, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

CREDIT = 10**9


@pytest.fixture
def bob(alice: Api, serving: InProcess, upstream: Upstream) -> User:
    """With a million credits; an answer of m600 costs 1220 of them, of m1 next to nothing."""
    server, price = alice.server(base_url=upstream.origin), {"input_price": "2000", "output_price": "2000"}
    alice.model(on_server(server, "test-model"), max_output_tokens=100, input_price="0.01", output_price="0.01")
    alice.model(on_server(server, "fault:usage:10:600"), name="m600", **price)
    bob = person("bob", "LLM user", credits_nano=10**6 * CREDIT)
    serving.sees_changes()
    return bob


Family = Callable[..., tuple[IssuedKey, IssuedKey]]


@pytest.fixture
def family(bob: User) -> Family:
    """A key and one that was made under it."""

    def family(**options: Any) -> tuple[IssuedKey, IssuedKey]:
        parent = key_of(bob, **options)
        same = {name: options[name] for name in ("environment", "power_level") if name in options}
        return parent, key_of(bob, parent=parent.row, **same)

    return family


def costly(serving: InProcess, key: IssuedKey) -> Any:
    return serving.chat(key.plaintext, model="m600", max_tokens=600)


def test_what_a_child_spends_is_of_its_parents_budget(serving: InProcess, family: Family) -> None:
    parent, child = family(budget_credits=Decimal(2000))

    assert costly(serving, child).status_code == 200
    refused = costly(serving, child)

    assert refused.status_code == 402
    assert refused.json()["error"]["details"]["limit_source"] == "parent_key_budget"
    assert costly(serving, parent).json()["error"]["details"]["limit_source"] == "key_budget"
    spent = Budget.objects.get()
    assert (spent.scope, spent.scope_id, spent.spent) == ("key", parent.row.pk, 1220 * CREDIT)
    assert checker.check() == []


def test_what_a_child_asks_counts_against_its_parents_limits(serving: InProcess, family: Family) -> None:
    parent, child = family(limits=Limits(rpm=2))

    answers = [serving.chat(key.plaintext, model="m1") for key in (child, parent, child, parent)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    sources = [answer.json()["error"]["details"]["limit_source"] for answer in answers[2:]]
    assert sources == ["parent_key", "key"]
    assert answers[0].headers["x-ratelimit-limit-requests"] == "2"


def test_what_is_taken_from_a_parent_is_taken_from_its_children_at_once(serving: InProcess, family: Family) -> None:
    parent, child = family()
    assert serving.chat(child.plaintext, model="m1").status_code == 200

    parent.row.allowed_models = ["m600"]
    changes.save(parent.row)
    serving.sees_changes()

    assert serving.chat(child.plaintext, model="m1").status_code == 403
    models = serving.get("/v1/models", key=child.plaintext).json()["data"]
    assert [model["id"] for model in models] == ["m600"]


def test_a_child_is_revoked_with_its_parent(serving: InProcess, family: Family) -> None:
    parent, child = family()
    assert serving.chat(child.plaintext, model="m1").status_code == 200

    assert keys.revoke(parent.row) == 2
    serving.sees_changes()

    assert serving.chat(child.plaintext, model="m1").status_code == 401


def test_one_child_is_loaded_as_all_are(serving: InProcess, family: Family) -> None:
    parent, child = family(component="evals", environment="prod", limits=Limits(rpm=3), power_level="eco")
    grandchild = key_of(child.row.user, parent=child.row, environment="prod", power_level="eco")

    loaded = callers.load()

    for key in (parent, child, grandchild):
        assert caller_by(key) == loaded[key.row.secret_hash]
    known = caller_by(grandchild)
    assert (known.component, known.environment, known.power_level) == ("evals", "prod", "eco")
    assert known.limits_above == ((parent.row.pk, Limits(rpm=3)),)
