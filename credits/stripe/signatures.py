"""Whether a webhook is Stripe's: signed with our secret, over these very bytes, a moment ago."""

import json
import re
import time
from typing import Any

import stripe
from django.conf import settings

from credits.errors import PurchasesOff
from opscenter.core.errors import BadRequest

_HEADER = re.compile(r"(?:[a-z][a-z0-9]*=[A-Za-z0-9]+)(?:, ?[a-z][a-z0-9]*=[A-Za-z0-9]+)*")
_TIME = re.compile(r"[1-9][0-9]{0,11}")
_LONGEST_HEADER = 2_000
_END = 2**33
"""A moment that computers don't reach by themselves."""


class Forged(BadRequest):
    """Not signed by Stripe, or too long ago, or in the future. It says no more: whoever sent it may be guessing."""

    default_code = "signature_invalid"

    def __init__(self) -> None:
        super().__init__("This is not signed as Stripe signs it.")


def verified(body: bytes, header: str) -> dict[str, Any]:
    """The event in `body`. Raises Forged, and BadRequest where what was signed is no event.

    The SDK takes an empty secret, a time in the future and any number that Python can read: looked at here first.
    """
    if not settings.STRIPE_WEBHOOK_SECRET.strip():
        raise PurchasesOff
    signed_at = _signed_at(header)
    if abs(time.time() - signed_at) > settings.STRIPE_TOLERANCE_S:
        raise Forged
    try:
        stripe.WebhookSignature.verify_header(
            body, header, settings.STRIPE_WEBHOOK_SECRET, tolerance=settings.STRIPE_TOLERANCE_S
        )
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        raise Forged from error
    return _event(body)


def _signed_at(header: str) -> int:
    if len(header) > _LONGEST_HEADER or not _HEADER.fullmatch(header):
        raise Forged
    times = [item[2:] for item in header.replace(" ", "").split(",") if item.startswith("t=")]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        raise Forged
    return int(times[0])


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("This is no JSON.", code="no_event") from error
    if not isinstance(event, dict) or event.get("object") != "event" or not _is_complete(event):
        raise BadRequest("This is no event of Stripe's API.", code="no_event")
    return event


def _is_complete(event: dict[str, Any]) -> bool:
    kinds = {"id": str, "type": str, "livemode": bool, "created": int, "data": dict}
    if not all(isinstance(event.get(name), kind) for name, kind in kinds.items()):
        return False
    return bool(0 < len(event["id"]) <= 255 and 0 < event["created"] < _END) and isinstance(
        event["data"].get("object"), dict
    )
