"""People are told by letters of their own, apart from the operators, and of the same thing once."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from opscenter.core import alerts
from opscenter.core.alerts import News, delivery
from opscenter.core.models import Alert
from opscenter.core.tasks import prune_alerts, send_alerts

pytestmark = pytest.mark.django_db

OPERATOR, DORA, ERIN = "ops@example.org", "dora@example.org", "erin@example.org"


@pytest.fixture(autouse=True)
def mail_server(settings: Any) -> None:
    settings.ALERT_EMAILS, settings.EMAIL_URL = [OPERATOR], "smtp://127.0.0.1:25"


def news(about: str = "1", headline: str = "It is low") -> News:
    return News("credits.low_balance", about, timezone.now(), headline, f"{headline}.", {"balance": "1"})


def test_each_gets_a_letter_of_what_is_theirs(mailoutbox: list[Any]) -> None:
    alerts.tell_operators(news())
    alerts.tell(DORA, news(headline="Yours is low"))
    alerts.tell(DORA, news("2", headline="This too"))

    assert (send_alerts(), send_alerts()) == (3, 0)

    letters = {letter.to[0]: (letter.subject, letter.body) for letter in mailoutbox}
    assert letters == {
        OPERATOR: ("[Ops-Center] It is low", "It is low.\n"),
        DORA: ("[Ops-Center] Yours is low (and 1 more)", "Yours is low.\n\nThis too.\n"),
    }


def test_nobody_is_told_the_same_twice(mailoutbox: list[Any]) -> None:
    for _ in range(2):
        alerts.tell_operators(news())
        alerts.tell(DORA, news())
        send_alerts()

    assert len(mailoutbox) == 2


def test_without_a_mail_server_or_an_address_a_person_is_told_nothing(settings: Any) -> None:
    alerts.tell("", news())
    settings.EMAIL_URL = ""
    alerts.tell(DORA, news())

    assert not Alert.objects.exists()


def test_an_address_that_the_server_refuses_keeps_nobody_else_waiting(
    mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    takes = EmailBackend.send_messages

    def takes_all_but_doras(backend: EmailBackend, letters: Any) -> int:
        if letters[0].to == [DORA]:
            raise OSError
        return takes(backend, letters)

    monkeypatch.setattr(EmailBackend, "send_messages", takes_all_but_doras)
    for address in (DORA, ERIN):
        alerts.tell(address, news())

    assert send_alerts() == 1

    assert [letter.to for letter in mailoutbox] == [[ERIN]]
    assert Alert.objects.get(address=DORA).error == "The mail server did not take it (OSError)."


def test_what_one_worker_is_sending_no_other_sends(mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    takes, meanwhile = EmailBackend.send_messages, []

    def takes_while_another_looks(backend: EmailBackend, letters: Any) -> int:
        monkeypatch.setattr(EmailBackend, "send_messages", takes)
        meanwhile.append(send_alerts())
        return takes(backend, letters)

    monkeypatch.setattr(EmailBackend, "send_messages", takes_while_another_looks)
    alerts.tell_operators(news())

    assert (send_alerts(), meanwhile, len(mailoutbox)) == (1, [0], 1)


def test_what_became_of_alerts_is_told_by_what_they_are_about() -> None:
    alerts.tell_operators(news())
    alerts.tell(DORA, news())

    assert alerts.outcomes("credits.low_balance", ["1", "2"]) == {
        "1": "E-mail: waiting; E-mail to dora@example.org: waiting"
    }


def test_only_what_is_old_and_done_is_forgotten() -> None:
    for about in ("old", "old and unsent", "new"):
        alerts.tell_operators(news(about))
    long_ago = timezone.now() - delivery._KEPT - timedelta(days=1)
    Alert.objects.exclude(about="new").update(queued_at=long_ago)
    Alert.objects.exclude(about="old and unsent").update(due_at=None, sent_at=timezone.now())

    assert prune_alerts() == 1

    assert not Alert.objects.filter(about="old").exists()
