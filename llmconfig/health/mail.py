"""Alerts by e-mail: one letter for all that are due, so that an outage of many fills nobody's inbox."""

from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from llmconfig.health.news import News
from llmconfig.models import HealthAlert


def send(alerts: Sequence[HealthAlert]) -> str:
    """ "" or what went wrong, without what the server said: it may repeat addresses and passwords."""
    news = [News.of(alert) for alert in alerts]
    more = f" (and {len(news) - 1} more)" if len(news) > 1 else ""
    letter = EmailMessage(
        subject=" ".join(f"[Ops-Center] {news[0].headline}{more}".split()),
        body="\n\n".join(one.text for one in news) + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=settings.ALERT_EMAILS,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        letter.send()
    except (OSError, SMTPException) as error:
        return f"The mail server did not take it ({type(error).__name__})."
    return ""
