"""Who is to be told. In the transaction that notes what happened, so that neither is without the other."""

from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone

from opscenter.core.alerts.news import News
from opscenter.core.models import Alert


def tell_operators(news: News) -> None:
    """By every channel that the settings give an address to."""
    _queue(news, [(channel, "") for channel in channels()])


def tell(address: str, news: News) -> None:
    """One person by a letter, where there is a mail server."""
    if address and settings.EMAIL_URL:
        _queue(news, [(Alert.Channel.EMAIL.value, address)])


def withdraw(type: str, abouts: Iterable[str], *, unsent: bool = False) -> None:
    """Forget what was told of these, or was yet to be told alone."""
    told = Alert.objects.filter(type=type, about__in=list(abouts))
    (told.filter(sent_at__isnull=True) if unsent else told).delete()


def outcomes(type: str, abouts: Iterable[str]) -> dict[str, str]:
    """What became of the alerts about each of these."""
    told: dict[str, list[str]] = {}
    for alert in Alert.objects.filter(type=type, about__in=list(abouts)).order_by("channel", "address"):
        to = f" to {alert.address}" if alert.address else ""
        told.setdefault(alert.about, []).append(f"{alert.get_channel_display()}{to}: {alert.outcome}")
    return {about: "; ".join(lines) for about, lines in told.items()}


def channels() -> list[str]:
    addresses = {
        Alert.Channel.EMAIL: settings.ALERT_EMAILS,
        Alert.Channel.WEBHOOK: settings.ALERT_WEBHOOK_URL,
    }
    return [channel.value for channel, address in addresses.items() if address]


def _queue(news: News, recipients: Iterable[tuple[str, str]]) -> None:
    now = timezone.now()
    rows = [
        Alert(
            type=news.type,
            about=news.about,
            channel=channel,
            address=address,
            headline=" ".join(news.headline.split())[:300],
            text=news.text,
            data=news.data,
            happened_at=news.at,
            due_at=now,
        )
        for channel, address in recipients
    ]
    Alert.objects.bulk_create(rows, ignore_conflicts=True)
