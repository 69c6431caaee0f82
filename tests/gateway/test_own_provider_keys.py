"""Calls by a consumer's own provider key: never billed, always counted, never by anybody else's key."""

import logging
from secrets import token_hex
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from credits import checker
from credits.models import Entry, Hold
from credits.services import wallets
from gateway.models import AttemptRow, RequestRow, UsageStat
from gateway.stored_receipts import receipt_of
from llmconfig.models import ProviderHealth, ProviderKey
from llmconfig.services import own_keys
from opscenter.core.limits import Limits
from opscenter.core.models import User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_key
from tests.replayed import replayed
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

OWN, PLATFORMS = token_hex(20), token_hex(20)


class World:
    """Bea, of tier starter, has a key for OpenAI; the platform has one too, and a model there that costs credits."""

    def __init__(self, alice: Api, serving: InProcess, upstream: Upstream, **fields: Any) -> None:
        self.alice, self.serving, self.upstream = alice, serving, upstream
        self.bea, self.key, self.own = replayed(__name__, self._make)
        serving.sees_changes()

    def _make(self) -> tuple[User, str, ProviderKey]:
        platform = self.alice.key(api_key=PLATFORMS)
        self.alice.model(on_key(platform, "gpt-x"), name="m1", input_price="2")
        self.alice.model(on_key(platform, "gpt-y"), name="dear", input_price="9", tier="enterprise")
        bea = person("bea", "LLM user", tier="starter", credits_nano=10**12)
        return bea, key_of(bea).plaintext, self.add(bea)

    def add(self, owner: User, **fields: Any) -> ProviderKey:
        values = {"provider": "openai", "key_name": "main", "api_key": OWN, "byok_only": True, **fields}
        key = own_keys.add(owner=owner, **values)
        self.serving.sees_changes()
        return key

    def chat(self, **fields: Any) -> httpx.Response:
        return self.serving.chat(self.key, **{"model": "m1", **fields})

    def keys_used(self) -> list[str]:
        names = {f"Bearer {OWN}": "own", f"Bearer {PLATFORMS}": "platform"}
        return [names[call.headers["authorization"]] for call in self.upstream.calls.to("/v1/chat/completions")]

    def recorded(self, answer: httpx.Response) -> tuple[RequestRow, list[AttemptRow]]:
        """Its rows, once they are there; and the books are right."""
        row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
        assert row is not None
        assert list(checker.check()) == []
        assert receipt_of(row).contradictions == ()
        return row, list(AttemptRow.objects.filter(request_id=row.pk).order_by("n"))


@pytest.fixture
def world(alice: Api, serving: InProcess, upstream: Upstream, settings: Settings) -> World:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    return World(alice, serving, upstream)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", ["m1", "openai/m1", "gpt-x", "dear"])
def test_the_own_key_is_used_first_and_costs_nothing(world: World, name: str, stream: bool) -> None:
    entries = Entry.objects.filter(account=wallet(world.bea)).count()

    answer = world.chat(model=name, stream=stream)

    assert answer.status_code == 200, answer.text
    assert world.keys_used() == ["own"]
    row, (attempt,) = world.recorded(answer)
    hold = Hold.objects.get(pk=row.pk)
    assert (hold.mode, hold.amount, row.charged_nano, row.cost_nano_usd) == (Hold.Mode.BYOK, 0, 0, 0)
    assert row.billing_basis == RequestRow.Basis.BYOK
    assert Entry.objects.filter(account=wallet(world.bea)).count() == entries
    assert (attempt.provider_key_id, attempt.target) == (world.own.pk, "OpenAI: own key")
    (stat,) = UsageStat.objects.filter(user_id=world.bea.pk)
    assert (stat.requests, stat.own_key_requests, stat.charged_nano, stat.prompt_tokens > 0) == (1, 1, 0, True)
    world.own.refresh_from_db()
    assert (world.own.requests_count, world.own.tokens_used) == (1, row.prompt_tokens + row.completion_tokens)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("fault", ["status-401", "status-500", "reset-before-first-byte"])
def test_the_platforms_key_never_stands_in_unasked(world: World, settings: Settings, fault: str, stream: bool) -> None:
    settings.UPSTREAM_RETRIES = 0
    world.upstream.behave("gpt-x", fault)

    answer = world.chat(stream=stream)

    assert answer.status_code == (403 if fault == "status-401" else 502)
    assert world.keys_used() == ["own"]
    row, _ = world.recorded(answer)
    assert (row.charged_nano, row.expense_nano) == (0, 0)


def test_a_refused_key_is_told_to_its_owner_alone_and_noted(
    world: World, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.BREAKER_FAILURES = 1
    settings.ALERT_EMAILS = ["ops@example.org"]
    world.upstream.behave("gpt-x", "status-401", "ok")

    with caplog.at_level(logging.ERROR, "gateway"):
        refused = world.chat()

    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (403, "provider_key_refused")
    assert error["details"] == {"provider_key_id": world.own.pk, "upstream_status": 401}
    assert f"/api/v1/llm/providers/{world.own.pk}/rotate" in error["message"]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert eventually(lambda: ProviderHealth.objects.filter(key=world.own, status="unhealthy").exists())
    again = world.chat()
    assert (again.status_code, again.json()["error"]["code"]) == (503, "provider_key_failing")
    # The platform's breaker knows nothing of it.
    carl = key_of(person("carl", "LLM user", credits_nano=10**12)).plaintext
    world.serving.sees_changes()
    assert world.serving.chat(carl, model="m1").status_code == 200
    assert world.keys_used() == ["own", "platform"]
    own_keys.rotate(key=world.own, api_key=OWN)
    world.serving.sees_changes()
    assert world.chat().status_code == 200


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_with_consent_the_platform_stands_in_at_its_price(world: World, stream: bool) -> None:
    own_keys.change(key=world.own, values={"byok_only": False})
    world.serving.sees_changes()
    world.upstream.behave("gpt-x", "ok", "status-401", "ok")

    by_own, by_platform = world.chat(stream=stream), world.chat(stream=stream)

    assert (by_own.status_code, by_platform.status_code) == (200, 200)
    assert world.keys_used() == ["own", "own", "platform"]
    free, _ = world.recorded(by_own)
    paid, attempts = world.recorded(by_platform)
    assert (free.charged_nano, free.cost_nano_usd, free.held_nano > 0) == (0, 0, True)
    assert (free.billing_basis, paid.billing_basis) == (RequestRow.Basis.BYOK, RequestRow.Basis.PROVIDER)
    assert paid.charged_nano > 0
    assert [attempt.provider_key_id == world.own.pk for attempt in attempts] == [True, False]


def test_without_credits_consent_leaves_the_own_key(world: World) -> None:
    poor = person("dora", "LLM user", tier="starter")
    world.add(poor, byok_only=False)
    key = key_of(poor).plaintext
    world.serving.sees_changes()

    assert world.serving.chat(key, model="m1").status_code == 200
    assert world.keys_used() == ["own"]


def test_nobody_elses_calls_go_over_it(world: World) -> None:
    carl = key_of(person("carl", "LLM user", tier="starter", credits_nano=10**12)).plaintext
    world.serving.sees_changes()

    answers = [world.serving.chat(carl, model=name).status_code for name in ("m1", "gpt-x", "openai/m1", "dear")]

    assert (answers, set(world.keys_used())) == ([200, 200, 200, 403], {"platform"})


@pytest.mark.parametrize("how", ["disabled", "blocked", "a lower tier"])
def test_a_key_that_is_not_to_be_used_is_not(world: World, how: str) -> None:
    if how == "disabled":
        own_keys.change(key=world.own, values={"enabled": False})
    elif how == "blocked":
        own_keys.block(key=world.own)
    else:
        wallets.set_tier(account=wallet(world.bea), tier="free")
    world.serving.sees_changes()

    assert world.chat().status_code == 200
    assert world.keys_used() == ["platform"]
    assert world.chat(model="dear").status_code == 403


def test_models_that_the_platform_has_no_key_for_are_called_and_listed(world: World) -> None:
    for row in ProviderKey.objects.platform():
        world.alice.patch(f"api-keys/{row.pk}", {"enabled": False})
    carl = key_of(person("carl", "LLM user", credits_nano=10**12)).plaintext
    world.serving.sees_changes()

    assert (world.chat().status_code, world.serving.chat(carl, model="m1").status_code) == (200, 404)
    listed = [world.serving.get("/v1/models", key=key).json()["data"] for key in (world.key, carl)]
    assert [{model["id"] for model in models} for models in listed] == [{"m1", "dear"}, set()]


def test_the_callers_own_limits_hold(world: World) -> None:
    limited = key_of(world.bea, limits=Limits(rpm=1)).plaintext
    world.serving.sees_changes()

    statuses = [world.serving.chat(limited, model="m1").status_code for _ in range(2)]

    assert (statuses, world.keys_used()) == ([200, 429], ["own"])
