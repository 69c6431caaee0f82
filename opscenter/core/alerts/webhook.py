"""Alerts by webhook, signed as https://www.standardwebhooks.com has it: receivers check them by a library of theirs.

Headers webhook-id, webhook-timestamp and webhook-signature: "v1," and the base64 of the HMAC-SHA256 of
"ID.TIMESTAMP.BODY" under the bytes of the secret, which reads whsec_ and their base64.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Sequence

import aiohttp
from asgiref.sync import async_to_sync
from django.conf import settings

from opscenter.core.alerts.news import utc
from opscenter.core.models import Alert
from opscenter.core.outbound import OutboundRefused, Policy, check_base_url, guarded_session

PREFIX = "whsec_"
_LEAST_BYTES = 24
_AT_ONCE = 8
_TIMEOUT_S = 10.0


class UnusableSecretError(ValueError):
    """It is not whsec_ and the base64 of 24 bytes or more."""


def secret_bytes(secret: str) -> bytes:
    """Raises UnusableSecretError."""
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableSecretError from error
    if not secret.startswith(PREFIX) or len(found) < _LEAST_BYTES:
        raise UnusableSecretError
    return found


def sign(body: bytes, *, id: str, timestamp: int, secret: str) -> str:
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret_bytes(secret), signed, hashlib.sha256)).decode()


def policy() -> Policy:
    return Policy.PRIVATE_ALLOWED if settings.ALERT_WEBHOOK_PRIVATE else Policy.PUBLIC


def post(alerts: Sequence[Alert]) -> list[str]:
    """For each "", or what went wrong; without what the receiver said."""
    return async_to_sync(_post_all)([(str(alert.pk), _body(alert)) for alert in alerts]) if alerts else []


def _body(alert: Alert) -> bytes:
    return json.dumps({"type": alert.type, "timestamp": utc(alert.happened_at), "data": alert.data}).encode()


async def _post_all(messages: Sequence[tuple[str, bytes]]) -> list[str]:
    gate = asyncio.Semaphore(_AT_ONCE)
    async with guarded_session(policy(), timeout_s=_TIMEOUT_S) as session:
        return await asyncio.gather(*(_post(session, gate, id, body) for id, body in messages))


async def _post(session: aiohttp.ClientSession, gate: asyncio.Semaphore, id: str, body: bytes) -> str:
    try:
        url = check_base_url(settings.ALERT_WEBHOOK_URL, policy())
        async with (
            gate,
            session.post(url, data=body, headers=_headers(id, body), allow_redirects=False) as response,
        ):
            return "" if 200 <= response.status < 300 else f"The receiver answered {response.status}."
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        cause = getattr(error, "os_error", error)
        return f"Not called: {cause}." if isinstance(cause, OutboundRefused) else f"It failed ({type(cause).__name__})."


def _headers(id: str, body: bytes) -> dict[str, str]:
    now = int(time.time())
    return {
        "Content-Type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(body, id=id, timestamp=now, secret=settings.ALERT_WEBHOOK_SECRET),
    }
