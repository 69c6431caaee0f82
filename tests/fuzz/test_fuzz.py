"""Whoever asks for whatever: no failure of ours, no answer to whom we don't know, none that isn't described."""

import time
from random import Random

import pytest
from django.db import connection
from schemathesis import GenerationMode

from gateway.services import keys
from opscenter.core.models import User
from tests.admin.site import make_world
from tests.fuzz import report
from tests.fuzz.asking import NOBODY, ask
from tests.fuzz.cases import operations, requests_of
from tests.fuzz.odd import odd_requests
from tests.fuzz.report import Seen
from tests.fuzz.world import furnish
from tests.gateway.in_process import InProcess
from tests.gateway.people import person
from tests.upstream import Upstream

pytestmark = pytest.mark.once

MANY = 5


@pytest.fixture
def bob(transactional_db: None) -> User:
    return person("bob", "LLM user", tier="enterprise")


@pytest.fixture
def tokens(bob: User) -> dict[str, str | None]:
    """By who asks."""
    root = User.objects.create_superuser("root")
    known = {"a superuser": root, "an LLM admin": person("alice", "LLM admin"), "an LLM user": bob}
    return {**{who: keys.issue_access_token(user=row).plaintext for who, row in known.items()}, NOBODY: None}


def test_no_request_makes_the_api_fail_forget_who_calls_or_answer_what_is_not_described(
    request: pytest.FixtureRequest, bob: User, tokens: dict[str, str | None], upstream: Upstream
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("of one database, and the one in use")
    option = request.config.getoption
    wanted, begun = option("fuzz_cases", None), time.monotonic()
    until = begun + 60 * option("fuzz_minutes", 60)
    chance, asked = Random(option("fuzz_seed", 0)), operations()
    seen = Seen(secrets=make_world(bob, base_url=upstream.base_url).secrets)
    with InProcess() as serving:
        while seen.cases < (wanted or 1) and time.monotonic() < until:
            rows = furnish(bob, base_url=upstream.base_url)
            serving.sees_changes()
            for operation in asked:
                # In a whole run everybody asks for everything, otherwise somebody for something.
                modes = list(GenerationMode) if wanted else [chance.choice(list(GenerationMode))]
                askers = list(tokens) if wanted else [chance.choice(list(tokens))]
                number = MANY if wanted else 1
                usual = list(requests_of(operation, modes, number=number, chance=chance, rows=rows))
                odd = [made for one in usual for made in odd_requests(one, number=1, chance=chance)]
                for who in askers:
                    for one in (*usual, *odd):
                        serving.run(ask(one, who, tokens[who], seen))
    if path := option("fuzz_figures", None):
        named = [operation.label for operation in asked]
        page = seen.page(seed=option("fuzz_seed"), operations=named, took_s=time.monotonic() - begun)
        report.write(page, path)
    assert not seen.failures, seen.told()
    assert seen.cases >= len(asked)
