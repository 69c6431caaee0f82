"""What can be checked about health checks and alerts before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from llmconfig.health import webhook
from opscenter.core.outbound import OutboundRefused, check_base_url

_LEAST = {
    "HEALTH_SERVER_INTERVAL_S": 1,
    "HEALTH_KEY_INTERVAL_S": 1,
    "HEALTH_TICK_S": 0.1,
    "HEALTH_TIMEOUT_S": 0.1,
    "HEALTH_CONFIRMATIONS": 1,
    "HEALTH_CONCURRENCY": 1,
    "HEALTH_HISTORY_S": 3600,
}


@register
def health_checks_can_be_made(**kwargs: Any) -> list[CheckMessage]:
    """llm.E030."""
    return [
        Error(f"{name} is {getattr(settings, name)}.", hint=f"Set it to {least:g} or more.", id="llm.E030")
        for name, least in _LEAST.items()
        if getattr(settings, name) < least
    ]


@register
def webhook_is_usable_and_signed(**kwargs: Any) -> list[CheckMessage]:
    """llm.E031: nobody should act on an alert that anybody could have sent."""
    if not settings.ALERT_WEBHOOK_URL:
        return []
    problems = []
    try:
        check_base_url(settings.ALERT_WEBHOOK_URL, webhook.policy())
    except OutboundRefused as error:
        hint = "An address without a query; ALERT_WEBHOOK_PRIVATE=1 lets it be a private one."
        problems.append(Error(f"ALERT_WEBHOOK_URL: {error}.", hint=hint, id="llm.E031"))
    try:
        webhook.secret_bytes(settings.ALERT_WEBHOOK_SECRET)
    except webhook.UnusableSecretError:
        hint = 'echo "whsec_$(openssl rand -base64 32)" prints one; the receiver needs the same.'
        text = "ALERT_WEBHOOK_SECRET is not whsec_ and the base64 of 24 bytes or more."
        problems.append(Error(text, hint=hint, id="llm.E031"))
    return [*problems]


@register
def letters_have_a_server_and_readers(**kwargs: Any) -> list[CheckMessage]:
    """llm.E032."""
    if not settings.ALERT_EMAILS:
        return []
    problems = [
        f"ALERT_EMAILS: {address!r} is no address." for address in settings.ALERT_EMAILS if not _is_one(address)
    ]
    if not settings.EMAIL_URL:
        problems.append("ALERT_EMAILS is set, and EMAIL_URL is not: no letter would be sent.")
    hint = "EMAIL_URL=smtp+tls://USER:PASSWORD@HOST:587 and ALERT_EMAILS=one@example.org,other@example.org"
    return [Error(problem, hint=hint, id="llm.E032") for problem in problems]


def _is_one(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True
