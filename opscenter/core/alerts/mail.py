"""Alerts by e-mail: one letter to each reader for all that is due, so that an outage of many fills nobody's inbox."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage

from opscenter.core.models import Alert


def send(alerts: Iterable[Alert]) -> dict[Alert, str]:
    """For each "", or what went wrong with its letter."""
    outcomes: dict[Alert, str] = {}
    # Sorting is stable: in each letter they stay in their order.
    for address, group in groupby(sorted(alerts, key=attrgetter("address")), attrgetter("address")):
        letter = list(group)
        outcomes |= dict.fromkeys(letter, _send(letter, to=[address] if address else settings.ALERT_EMAILS))
    return outcomes


def _send(alerts: Sequence[Alert], *, to: Sequence[str]) -> str:
    """Without what the server said: it may repeat addresses and passwords."""
    more = f" (and {len(alerts) - 1} more)" if len(alerts) > 1 else ""
    letter = EmailMessage(
        subject=" ".join(f"[Ops-Center] {alerts[0].headline}{more}".split()),
        body="\n\n".join(alert.text for alert in alerts) + "\n",
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=to,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        letter.send()
    except (OSError, SMTPException, ValueError) as error:
        return f"The mail server did not take it ({type(error).__name__})."
    return ""
