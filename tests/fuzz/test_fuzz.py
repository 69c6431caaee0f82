"""Whoever asks for whatever: no failure of ours, no answer to whom we don't know, none that isn't described."""

import time
from random import Random
from typing import Any

import pytest
import requests
import schemathesis
from django.db import connection
from schemathesis import GenerationMode, Response
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from gateway.services import keys
from opscenter.core.models import User
from tests.admin.site import make_world
from tests.fuzz import report
from tests.fuzz.asking import NOBODY, ask
from tests.fuzz.cases import EVENT, Request, operations, requests_of
from tests.fuzz.odd import odd_requests
from tests.fuzz.plausible import INFERENCE
from tests.fuzz.report import Seen
from tests.fuzz.world import Rows, furnish
from tests.gateway.in_process import InProcess
from tests.gateway.people import person
from tests.upstream import Upstream

pytestmark = pytest.mark.once

MANY = 5
MORE = 20
"""Of what is allowed for where a model is asked."""


@pytest.fixture
def bob(transactional_db: None) -> User:
    return person("bob", "LLM user", tier="enterprise")


@pytest.fixture
def people(bob: User) -> dict[str, User | None]:
    """By what they are called here."""
    root = User.objects.create_superuser("root")
    return {"a superuser": root, "an LLM admin": person("alice", "LLM admin"), "an LLM user": bob, NOBODY: None}


def test_no_request_makes_the_api_fail_forget_who_calls_or_answer_what_is_not_described(
    request: pytest.FixtureRequest, bob: User, people: dict[str, User | None], upstream: Upstream
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("of one database, and the one in use")
    option = request.config.getoption
    wanted, begun = option("fuzz_cases", None), time.monotonic()
    until = begun + 60 * option("fuzz_minutes", 60)
    chance = Random(option("fuzz_seed", 0))
    # What asks a model comes first, before others have changed what it needs.
    asked = sorted(operations(), key=lambda operation: operation.label not in INFERENCE)
    named = [operation.label for operation in asked]
    seen = Seen(secrets=make_world(bob, base_url=upstream.base_url).secrets)
    with InProcess() as serving:
        while seen.cases < (wanted or 1) and time.monotonic() < until:
            rows = furnish(bob, base_url=upstream.base_url)
            tokens = {who: _token_of(user) for who, user in people.items()}
            serving.sees_changes()
            for operation in asked:
                made = _requests(operation, _numbers(operation, wanted, chance), chance=chance, rows=rows)
                # In a whole run everybody asks for everything, otherwise somebody for something.
                for who in list(tokens) if wanted else [chance.choice(list(tokens))]:
                    for one in made:
                        serving.run(ask(one, who, tokens[who], seen))
    if path := option("fuzz_figures", None):
        page = seen.page(seed=option("fuzz_seed"), operations=named, took_s=time.monotonic() - begun)
        report.write(page, path)
    assert not seen.failures, seen.told()
    assert seen.cases >= len(asked)
    assert set(INFERENCE) <= set(named)
    if wanted:
        unserved = seen.answers.unserved(INFERENCE)
        assert not unserved, f"Never answered with success, and so not tried at all: {', '.join(unserved)}"


def _token_of(user: User | None) -> str | None:
    return None if user is None else keys.issue_access_token(user=user).plaintext


def _requests(operation: Any, numbers: dict[GenerationMode, int], *, chance: Random, rows: Rows) -> list[Request]:
    """And one that is odd for each that is not."""
    usual = list(requests_of(operation, numbers, chance=chance, rows=rows))
    return [*usual, *(odd for one in usual for odd in odd_requests(one, number=1, chance=chance))]


def _numbers(operation: Any, wanted: int | None, chance: Random) -> dict[GenerationMode, int]:
    if not wanted:
        return {chance.choice(list(GenerationMode)): 1}
    allowed_for = MORE if operation.label in INFERENCE else MANY
    return {GenerationMode.POSITIVE: allowed_for, GenerationMode.NEGATIVE: MANY}


@pytest.mark.parametrize(
    ("stream", "is_described"),
    [
        (b'data: {"a": 1}\n\ndata: [DONE]\n\n', True),
        (b'data: {"a": 1}\n\ndata: {"a"\n\n', False),
        (b"data: 1\n\n", False),
        (b"event: ping\n\n", True),
        (b'event: ping\ndata: "x"\n\n', False),
    ],
)
def test_of_a_stream_each_event_is_an_object_or_the_end(stream: bytes, is_described: bool) -> None:
    described = {"200": {"description": "", "content": {"text/event-stream": {"schema": EVENT}}}}
    paths = {"/chat": {"get": {"responses": described}}}
    schema = schemathesis.openapi.from_dict({"openapi": "3.0.3", "info": {"title": "", "version": "1"}, "paths": paths})
    (operation,) = (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok))
    answer = Response(
        status_code=200,
        headers={"content-type": ["text/event-stream"]},
        content=stream,
        request=requests.Request("GET", "http://localhost").prepare(),
        elapsed=0.0,
        verify=False,
    )
    if is_described:
        operation.Case().validate_response(answer)
    else:
        with pytest.raises(FailureGroup):
            operation.Case().validate_response(answer)
