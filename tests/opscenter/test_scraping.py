"""Who may read /metrics."""

import secrets

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from opscenter import checks
from tests.gateway.people import key_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LOOPBACK = ["127.0.0.0/8", "::1/128"]


@pytest.fixture(autouse=True)
def near(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    settings.METRICS_NETWORKS = LOOPBACK


@pytest.fixture
def token(settings: Settings) -> str:
    settings.METRICS_TOKEN = secrets.token_urlsafe(32)
    return str(settings.METRICS_TOKEN)


def status(client: Client, address: str = "127.0.0.1", **headers: str) -> int:
    return client.get("/metrics", REMOTE_ADDR=address, headers=headers).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_loopback_is_let_in(client: Client, address: str) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert b"opscenter_database_up 1.0" in answer.content


@pytest.mark.parametrize("address", ["10.0.0.7", "2001:db8::1", "", "unknown"])
def test_without_a_token_others_are_refused(client: Client, address: str) -> None:
    assert status(client, address) == 403


def test_networks_are_let_in_that_an_operator_names(client: Client, settings: Settings) -> None:
    settings.METRICS_NETWORKS = ["10.0.0.0/8"]
    assert (status(client, "10.0.0.7"), status(client)) == (200, 403)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via"])
def test_without_a_token_nobody_comes_through_a_proxy(client: Client, header: str) -> None:
    assert status(client, **{header: "127.0.0.1"}) == 403


def test_where_there_is_a_token_it_alone_counts(client: Client, token: str) -> None:
    assert status(client) == 401
    assert status(client, Authorization=f"Bearer {token}x") == 401
    assert status(client, "10.0.0.7", Authorization=f"Bearer {token}", **{"X-Forwarded-For": "10.0.0.7"}) == 200


def test_a_consumers_key_is_no_use(client: Client, token: str) -> None:
    key = key_of(person("bob", "LLM admin")).plaintext
    assert status(client, Authorization=f"Bearer {key}") == 401


def test_a_refusal_says_how_to_come_in(client: Client, token: str) -> None:
    answer = client.get("/metrics")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_metrics_token"


def test_metrics_are_only_read(client: Client) -> None:
    assert client.post("/metrics").status_code == 405


def ids() -> list[str | None]:
    return [message.id for message in checks.metrics_are_guarded_by_something()]


def test_a_short_token_is_an_error(settings: Settings) -> None:
    settings.METRICS_TOKEN = "x" * 31
    assert ids() == ["opscenter.E010"]
    settings.METRICS_TOKEN = "x" * 32
    assert ids() == []


def test_a_network_that_is_none_is_an_error(settings: Settings) -> None:
    settings.METRICS_NETWORKS = ["10.0.0.0/33"]
    assert ids() == ["opscenter.E010"]
