"""Signatures as Stripe makes them, by the published rule: HMAC-SHA256 over the time, a dot and the body."""

import hmac
import json
import time
from hashlib import sha256
from typing import Any


def signed(event: dict[str, Any], secret: str, *, at: float | None = None) -> tuple[bytes, str]:
    """The body as it is sent, and its Stripe-Signature."""
    body = json.dumps(event, separators=(",", ":")).encode()
    return body, signature(body, secret, at=at)


def signature(body: bytes, secret: str, *, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), b"%d." % moment + body, sha256).hexdigest()
    return f"t={moment},v1={digest}"
