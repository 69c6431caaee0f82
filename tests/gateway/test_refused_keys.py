"""Keys of the platform's that a provider refuses in calls: operators are told, once a day."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from llmconfig.models import ProviderKey
from llmconfig.services import refused_keys
from opscenter.core.models import Alert
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_key
from tests.upstream import Upstream

pytestmark = pytest.mark.once


def _told() -> list[tuple[str, Any]]:
    alerts = Alert.objects.filter(type="provider.key_refused")
    return [(alert.channel, alert.data["status"]) for alert in alerts]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("fault", "status"), [("status-402", 402), ("empty-account", 400)])
def test_operators_are_told_of_a_refusal_that_no_health_check_finds(
    alice: Api, serving: InProcess, upstream: Upstream, settings: Settings, fault: str, status: int
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    settings.ALERT_EMAILS = ["ops@example.org"]
    alice.model(on_key(alice.key(), "gpt-x"), name="m1", input_price="2")
    bob = key_of(person("bob", "LLM user", tier="starter", credits_nano=10**12)).plaintext
    serving.sees_changes()
    upstream.behave("gpt-x", fault)

    answer = serving.chat(bob, model="m1")

    assert answer.status_code == 502
    assert eventually(_told) == [("email", status)]


@pytest.mark.django_db
def test_they_are_told_once_a_day_of_each_key(alice: Api, settings: Settings) -> None:
    settings.ALERT_EMAILS = ["ops@example.org"]
    one, other = alice.key(), alice.key(key_name="other")

    for statuses in ({one["id"]: 403}, {one["id"]: 401, other["id"]: 402}):
        refused_keys.note(statuses)

    assert sorted(_told()) == [("email", 402), ("email", 403)]
    assert str(ProviderKey.objects.get(pk=other["id"])) in Alert.objects.get(data__status=402).headline
