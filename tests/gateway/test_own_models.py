"""Calls of a consumer's personal model: by their own key, for nothing, and by nobody else."""

from secrets import token_hex

import pytest
from pytest_django.fixtures import Settings

from credits.models import Entry, Hold
from gateway.models import RequestRow
from llmconfig.models import ProviderKey
from llmconfig.services import own_models, provider_keys
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

OWN = token_hex(20)


@pytest.fixture
def beas_key(transactional_db: None, upstream: Upstream, settings: Settings) -> ProviderKey:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    bea = person("bea", "LLM user", tier="starter")
    key = provider_keys.create(fields={"provider": "openai", "key_name": "mine", "owner": bea}, api_key=OWN)
    where = {"provider_type": "api_key", "provider_id": key.pk, "upstream_model": "test-model"}
    own_models.create(owner=bea, values={"name": "mine"}, deployments=[where])
    return key


def test_it_answers_its_owner_by_the_own_key_without_credits(
    beas_key: ProviderKey, serving: InProcess, upstream: Upstream
) -> None:
    bea = beas_key.owner
    assert bea is not None
    key = key_of(bea).plaintext
    serving.sees_changes()
    entries = Entry.objects.filter(account=wallet(bea)).count()

    answer = serving.chat(key, model="mine")

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ops-cost-credits"] in ("0", "0.0")
    (call,) = upstream.calls
    assert call.headers["authorization"] == f"Bearer {OWN}"
    row = eventually(lambda: RequestRow.objects.filter(model="mine").first())
    assert row is not None
    hold = Hold.objects.get(pk=row.pk)
    assert (hold.mode, hold.amount) == (Hold.Mode.BYOK, 0)
    assert Entry.objects.filter(account=wallet(bea)).count() == entries
    assert "mine" in {model["id"] for model in serving.get("/v1/models", key=key).json()["data"]}


def test_nobody_else_can_call_or_see_it(beas_key: ProviderKey, serving: InProcess, upstream: Upstream) -> None:
    carl = key_of(person("carl", "LLM user")).plaintext
    serving.sees_changes()

    for name in ("mine", "test-model", "openai/test-model", "openai/mine"):
        assert serving.chat(carl, model=name).status_code == 404
    assert serving.get("/v1/models", key=carl).json()["data"] == []
    assert serving.get("/api/v1/llm/models", key=carl).json()["data"] == []
    assert upstream.calls == []


def test_a_virtual_key_writes_no_models(beas_key: ProviderKey, serving: InProcess) -> None:
    assert beas_key.owner is not None
    headers = {"content-type": "application/json"}

    answer = serving.call(
        "POST", "/api/v1/llm/models", key=key_of(beas_key.owner).plaintext, content=b"{}", headers=headers
    )

    assert answer.status_code == 403
