"""Telling people: once for each change and channel, signed, and again where it failed."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from llmconfig import tasks
from llmconfig.health import checks
from llmconfig.models import AIServer, HealthChange, ProviderKey
from opscenter.core.alerts import checks as alert_checks
from opscenter.core.alerts import delivery
from opscenter.core.models import Alert, User
from opscenter.core.tasks import send_alerts
from tests.llmconfig.api import Api
from tests.llmconfig.health.receiver import Receiver, running_receiver
from tests.llmconfig.health.watching import check
from tests.upstream import Upstream, refusing_url

MODELS = "/v1/models"
OPERATOR = "ops@example.org"


@pytest.fixture
def secret(settings: Any) -> bytes:
    secret = os.urandom(32)
    settings.ALERT_WEBHOOK_SECRET = f"whsec_{base64.b64encode(secret).decode()}"
    return secret


@pytest.fixture
def receiver(settings: Any, secret: bytes) -> Iterator[Receiver]:
    with running_receiver() as receiver:
        settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_PRIVATE = receiver.url, True
        yield receiver


@pytest.fixture
def post_box(settings: Any, mailoutbox: list[Any]) -> list[Any]:
    settings.ALERT_EMAILS = [OPERATOR]
    return mailoutbox


def fall(alice: Api, upstream: Upstream, *names: str) -> None:
    """Servers of these names become healthy, then unhealthy."""
    for name in names:
        alice.server(name=name, base_url=upstream.origin)
    check()
    upstream.behave(MODELS, "status-500")
    check(3)


def make_due_for_rotation() -> None:
    ProviderKey.objects.update(rotation_due_at=timezone.now() - timedelta(days=1))


def later() -> None:
    Alert.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_change_is_posted_once_and_signed(
    alice: Api, upstream: Upstream, receiver: Receiver, secret: bytes, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://ops.example.org"
    fall(alice, upstream, "gpu")

    assert send_alerts() == 1
    assert send_alerts() == 0

    ((headers, body),) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300
    told = json.loads(body)
    server = AIServer.objects.get()
    assert (told["type"], told["data"]["provider_type"], told["data"]["provider_id"]) == (
        "provider.health_changed", "ai_server", server.pk,
    )  # fmt: skip
    assert (told["data"]["before"], told["data"]["after"]) == ("healthy", "unhealthy")
    assert told["data"]["message"] == "It answered 500."
    assert told["data"]["url"].startswith("https://ops.example.org/admin/llm/providerhealth/")


def test_a_refused_post_comes_again_under_its_id_and_ever_later(
    alice: Api, upstream: Upstream, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 204]
    fall(alice, upstream, "gpu")
    waits = []
    for _ in range(3):
        send_alerts()
        alert = Alert.objects.get()
        waits.append((alert.due_at - timezone.now()).total_seconds() if alert.due_at else None)
        assert send_alerts() == 0
        later()

    assert len(receiver.got) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert waits[0] == pytest.approx(10, abs=5)
    assert waits[1] == pytest.approx(30, abs=5)
    assert waits[2] is None
    alert = Alert.objects.get()
    assert (alert.attempts, alert.error, alert.sent_at is not None) == (3, "", True)


def test_after_some_hours_it_is_given_up(alice: Api, upstream: Upstream, receiver: Receiver) -> None:
    receiver.statuses = [503]
    fall(alice, upstream, "gpu")
    for _ in range(delivery.MOST_ATTEMPTS + 2):
        send_alerts()
        later()

    assert len(receiver.got) == delivery.MOST_ATTEMPTS
    assert Alert.objects.get().outcome == "given up after 10 attempts: The receiver answered 503."
    assert 3 < sum(delivery.wait_s(n) for n in range(1, delivery.MOST_ATTEMPTS)) / 3600 < 5


def test_no_private_address_is_posted_to_unless_it_is_allowed(
    alice: Api, upstream: Upstream, receiver: Receiver, settings: Any
) -> None:
    settings.ALERT_WEBHOOK_PRIVATE = False
    fall(alice, upstream, "gpu")

    assert send_alerts() == 0

    assert receiver.got == []
    assert Alert.objects.get().error.startswith("Not called: connections to the private address")


def test_many_changes_are_one_letter(alice: Api, upstream: Upstream, post_box: list[Any]) -> None:
    fall(alice, upstream, "gpu1", "gpu2")

    assert send_alerts() == 2
    assert send_alerts() == 0

    (letter,) = post_box
    assert letter.to == [OPERATOR]
    assert letter.subject.endswith(" is unhealthy, was healthy (and 1 more)")
    for name in ("gpu1", "gpu2"):
        assert f"{name} is unhealthy, was healthy, since 20" in letter.body
    assert "It answered 500." in letter.body


def test_a_mail_server_that_is_away_loses_no_letter(
    alice: Api, upstream: Upstream, settings: Any, post_box: list[Any]
) -> None:
    fall(alice, upstream, "gpu")
    works = settings.EMAIL_BACKEND
    with refusing_url() as nobody:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", int(nobody.split(":")[2].split("/")[0])
        assert send_alerts() == 0
    assert "ConnectionRefusedError" in Alert.objects.get().error

    settings.EMAIL_BACKEND = works
    later()

    assert send_alerts() == 1
    assert len(post_box) == 1


def test_only_news_of_the_platforms_own_providers_is_told(
    alice: Api, upstream: Upstream, settings: Any, post_box: list[Any]
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    alice.server(base_url=upstream.origin)
    alice.key()
    ProviderKey.objects.update(owner=User.objects.create_user("dora"))
    check()
    assert not Alert.objects.exists()
    upstream.behave(MODELS, "status-401")
    check(2)

    about = Alert.objects.values_list("about", flat=True)
    told = [(str(change.health), change.after) for change in HealthChange.objects.filter(pk__in=map(int, about))]

    assert told == [("gpu", "unhealthy")]


def test_nobody_is_told_where_nobody_wants_to_be(alice: Api, upstream: Upstream) -> None:
    fall(alice, upstream, "gpu")

    assert not Alert.objects.exists()


def test_a_key_that_is_due_for_rotation_is_told_of_by_every_channel(
    alice: Api, receiver: Receiver, post_box: list[Any], settings: Any
) -> None:
    settings.PUBLIC_URL = "https://ops.example.org"
    key = alice.key(rotation_interval_days=90)
    make_due_for_rotation()

    assert (tasks.remind_of_rotations(), tasks.remind_of_rotations(), send_alerts()) == (1, 0, 2)

    (letter,), ((_, body),) = post_box, receiver.got
    page = f"https://ops.example.org/admin/llm/providerkey/{key['id']}/change/"
    assert letter.subject.startswith("[Ops-Center] openai: main is due for rotation since 20")
    assert page in letter.body
    told = json.loads(body)
    assert (told["type"], told["data"]["provider_type"], told["data"]["provider_id"]) == (
        "provider.rotation_due", "api_key", key["id"],
    )  # fmt: skip
    assert (told["data"]["due_at"][-1], told["data"]["url"]) == ("Z", page)


def test_a_reminder_that_could_not_be_sent_is_none_once_the_key_is_rotated(
    alice: Api, upstream: Upstream, receiver: Receiver, settings: Any
) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}
    receiver.statuses = [503]
    key = alice.key(rotation_interval_days=90)
    make_due_for_rotation()
    tasks.remind_of_rotations()
    send_alerts()
    later()

    assert alice.post(f"api-keys/{key['id']}/rotate", {"api_key": secrets.token_hex(12)}).status == 200
    send_alerts()

    assert len(receiver.got) == 1
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    "secret",
    ["", "hunter2", "whsec_c2hvcnQ=", "whsec_&&&", base64.b64encode(os.urandom(32)).decode()],
    ids=["none", "a word", "too short", "no base64", "no prefix"],
)
def test_a_webhook_without_a_good_secret_is_an_error(secret: str, settings: Any) -> None:
    settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_SECRET = "https://hooks.example.org/ops", secret

    assert [found.id for found in alert_checks.webhook_is_usable_and_signed()] == ["core.E006"]


def test_the_settings_of_alerts_and_checks_are_checked(settings: Any, secret: bytes) -> None:
    settings.ALERT_WEBHOOK_URL = "https://hooks.example.org/ops"
    assert alert_checks.webhook_is_usable_and_signed() == checks.health_checks_can_be_made() == []
    settings.ALERT_WEBHOOK_URL, settings.HEALTH_CONCURRENCY = "http://10.0.0.7/ops", 0
    settings.ALERT_EMAILS, settings.EMAIL_URL = ["nobody"], ""

    assert [found.id for found in alert_checks.webhook_is_usable_and_signed()] == ["core.E006"]
    assert [found.id for found in alert_checks.letters_have_a_server_and_readers()] == ["core.E007"] * 2
    assert [found.id for found in checks.health_checks_can_be_made()] == ["llm.E030"]
