"""What can be checked about alerts before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from opscenter.core.alerts import webhook
from opscenter.core.outbound import OutboundRefused, check_base_url


@register
def webhook_is_usable_and_signed(**kwargs: Any) -> list[CheckMessage]:
    """core.E006: nobody should act on an alert that anybody could have sent."""
    if not settings.ALERT_WEBHOOK_URL:
        return []
    problems = []
    try:
        check_base_url(settings.ALERT_WEBHOOK_URL, webhook.policy())
    except OutboundRefused as error:
        hint = "An address without a query; ALERT_WEBHOOK_PRIVATE=1 lets it be a private one."
        problems.append(Error(f"ALERT_WEBHOOK_URL: {error}.", hint=hint, id="core.E006"))
    try:
        webhook.secret_bytes(settings.ALERT_WEBHOOK_SECRET)
    except webhook.UnusableSecretError:
        hint = 'echo "whsec_$(openssl rand -base64 32)" prints one; the receiver needs the same.'
        text = "ALERT_WEBHOOK_SECRET is not whsec_ and the base64 of 24 bytes or more."
        problems.append(Error(text, hint=hint, id="core.E006"))
    return [*problems]


@register
def letters_have_a_server_and_readers(**kwargs: Any) -> list[CheckMessage]:
    """core.E007."""
    if not settings.ALERT_EMAILS:
        return []
    problems = [
        f"ALERT_EMAILS: {address!r} is no address." for address in settings.ALERT_EMAILS if not _is_one(address)
    ]
    if not settings.EMAIL_URL:
        problems.append("ALERT_EMAILS is set, and EMAIL_URL is not: no letter would be sent.")
    hint = "EMAIL_URL=smtp+tls://USER:PASSWORD@HOST:587 and ALERT_EMAILS=one@example.org,other@example.org"
    return [Error(problem, hint=hint, id="core.E007") for problem in problems]


def _is_one(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True
