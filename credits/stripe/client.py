"""Requests to Stripe: one place for its key, its address, time limits and what its errors mean to us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe
from django.conf import settings

from credits.errors import PurchasesOff, StripeRefused, StripeUnavailable
from opscenter.core.redaction import redact

# The SDK would keep an id of this machine in a file of its own, and tell Stripe.
stripe.enable_telemetry = False

_REFUSALS = (
    stripe.InvalidRequestError,
    stripe.CardError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)


def is_on() -> bool:
    return bool(settings.STRIPE_SECRET_KEY.strip())


def require() -> None:
    """Raises PurchasesOff."""
    if not is_on():
        raise PurchasesOff


@contextmanager
def connected() -> Iterator[stripe.StripeClient]:
    """A client for what is done inside. Raises PurchasesOff; StripeRefused where Stripe did nothing, and
    StripeUnavailable where nobody knows. Never inside a transaction: it may take as long as all its attempts do.
    """
    require()
    http = stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_S)
    try:
        yield stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses={"api": settings.STRIPE_API_BASE},
            max_network_retries=settings.STRIPE_RETRIES,
            http_client=http,
        )
    except _REFUSALS as error:
        raise StripeRefused(f"The payment provider refused: {told(error)}", code=_code(error)) from error
    except stripe.StripeError as error:
        raise StripeUnavailable from error
    finally:
        http.close()  # type: ignore[no-untyped-call]  # the SDK says nothing of it


def plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """As the JSON that it was."""
    return thing.to_dict(for_json=True)


def told(error: stripe.StripeError) -> str:
    """What Stripe says, without what looks like a secret. Wrong keys are the operator's concern, not the buyer's."""
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return "it does not accept our key."
    return redact(error.user_message or "without a reason.")[:500]


def _code(error: stripe.StripeError) -> str | None:
    return f"stripe_{error.code}" if error.code else None
