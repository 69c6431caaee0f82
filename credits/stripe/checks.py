"""System checks of what selling needs: secrets that are Stripe's, and an address to come back to."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from opscenter.core.placeholders import is_placeholder

_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_([A-Za-z0-9]{16,})")
_WEBHOOK_SECRET = re.compile(r"whsec_([A-Za-z0-9+/=_-]{16,})")
_FEWEST_DAYS = 60
_FEWEST_CHARACTERS = 6
"""Different ones that a random secret has at the least: xxxxxxxxxxxxxxxx has one."""


@register
def purchases_can_be_paid(**kwargs: Any) -> list[CheckMessage]:
    """credits.E010 to E014. Without STRIPE_SECRET_KEY nothing is for sale, and nothing is asked for."""
    return [Error(message, hint=hint, id=id) for id, message, hint in _problems()] if settings.STRIPE_SECRET_KEY else []


def _problems() -> Iterator[tuple[str, str, str]]:
    if problem := _wrong(settings.STRIPE_SECRET_KEY, _KEY):
        hint = "Stripe shows it under Developers, API keys: sk_live_... or sk_test_...; empty, nothing is for sale."
        yield "credits.E010", f"STRIPE_SECRET_KEY {problem}.", hint
    if problem := _wrong(settings.STRIPE_WEBHOOK_SECRET, _WEBHOOK_SECRET):
        hint = (
            "Add the webhook endpoint PUBLIC_URL/stripe/webhook in Stripe's dashboard and copy its signing secret, "
            "whsec_... (docs/stripe.md); or leave STRIPE_SECRET_KEY empty, and nothing is for sale."
        )
        yield "credits.E011", f"STRIPE_WEBHOOK_SECRET {problem}.", hint
    public = urlsplit(settings.PUBLIC_URL)
    if not public.hostname or public.scheme not in (("https",) if settings.STRIPE_LIVEMODE else ("https", "http")):
        hint = "Buyers come back to it from Stripe. It is https://ai.example.org, say; with a live key only https://."
        yield "credits.E012", f"Credits are for sale, and PUBLIC_URL is {settings.PUBLIC_URL!r}.", hint
    base = urlsplit(settings.STRIPE_API_BASE)
    if not base.hostname or (base.scheme != "https" and base.hostname not in ("127.0.0.1", "localhost", "::1")):
        hint = "It is https://api.stripe.com unless set; the secret key goes there."
        yield "credits.E013", f"STRIPE_API_BASE is {settings.STRIPE_API_BASE!r}.", hint
    if settings.STRIPE_EVENTS_KEPT_DAYS < _FEWEST_DAYS:
        hint = f"Stripe can send an event again for 30 days; set it to {_FEWEST_DAYS} or more."
        yield "credits.E014", f"STRIPE_EVENTS_KEPT_DAYS is {settings.STRIPE_EVENTS_KEPT_DAYS}.", hint


def _wrong(secret: str, shape: re.Pattern[str]) -> str:
    if not secret.strip():
        return "is empty"
    match = shape.fullmatch(secret)
    if match is None:
        return "is a publishable key" if secret.startswith("pk_") else "has not the form that Stripe's have"
    if is_placeholder(secret) or is_placeholder(match[1]) or len(set(match[1])) < _FEWEST_CHARACTERS:
        return "is a placeholder, known to everybody who reads documentation"
    return ""
