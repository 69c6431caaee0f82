"""What an upstream's refusal means: by its status, and where providers say it in the body instead, by that.

Bodies may repeat what a caller has sent. So nothing is searched for in them: it counts where providers put it, in the
error itself, or a caller could have everybody's key taken for refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway.transports.errors import (
    UpstreamBadRequest,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamRateLimited,
    UpstreamRefusedKey,
    UpstreamTimeout,
)

Kind = type[UpstreamError]
_Error = Mapping[str, Any]

_BY_STATUS: Mapping[int, Kind] = {
    401: UpstreamRefusedKey,
    402: UpstreamRefusedKey,
    403: UpstreamRefusedKey,
    404: UpstreamModelMissing,
    405: UpstreamModelMissing,
    408: UpstreamTimeout,
    410: UpstreamModelMissing,
    429: UpstreamRateLimited,
}
# Anthropic's account is empty, or at the limit that its owner has set.
_EMPTY_ACCOUNT = ("Your credit balance is too low", "You have reached your specified API usage limits")
# OpenAI's and Azure's, Moonshot's: waiting, which a 429 calls for, doesn't help.
_EMPTY_QUOTA = ("insufficient_quota", "exceeded_current_quota_error")


def kind_of(status: int, content: bytes) -> Kind:
    """Of a status from 400 to 499, and of the beginning of its body."""
    kind = _BY_STATUS.get(status, UpstreamBadRequest)
    told = _TOLD.get(status)
    return (told(_error_in(content)) if told else None) or kind


def _of_400(error: _Error) -> Kind | None:
    details = error.get("details")
    reasons = [one.get("reason") for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    # Gemini's answer to a wrong key.
    is_refused = "API_KEY_INVALID" in reasons or str(error.get("message")).startswith(_EMPTY_ACCOUNT)
    return UpstreamRefusedKey if is_refused else None


def _of_403(error: _Error) -> Kind | None:
    """OpenRouter's moderation doesn't like what was asked: another caller's call is as welcome as before."""
    metadata = error.get("metadata")
    is_moderated = isinstance(metadata, dict) and "flagged_input" in metadata
    return UpstreamBadRequest if is_moderated else None


def _of_429(error: _Error) -> Kind | None:
    is_empty = error.get("code") in _EMPTY_QUOTA or error.get("type") in _EMPTY_QUOTA
    return UpstreamRefusedKey if is_empty else None


_TOLD: Mapping[int, Callable[[_Error], Kind | None]] = {400: _of_400, 403: _of_403, 429: _of_429}


def _error_in(content: bytes) -> _Error:
    """Gemini puts it into a list."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error") if isinstance(first, dict) else None
    return error if isinstance(error, dict) else {}
