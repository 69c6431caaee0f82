"""System checks of the settings as a whole."""

import ipaddress
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

_LONGEST_GRACE_S = 30 * 24 * 3600


@register()
def credits_per_usd_is_a_number(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E001."""
    try:
        valid = 0 < Decimal(settings.CREDITS_PER_USD) <= 1_000_000
    except InvalidOperation:
        valid = False
    if valid:
        return []
    return [
        Error(
            f"CREDITS_PER_USD is {settings.CREDITS_PER_USD!r}.",
            hint="Set it to a number above 0 and up to 1000000: the credits that one US dollar buys, 1000 by default.",
            id="opscenter.E001",
        )
    ]


@register()
def secret_key_is_no_placeholder(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E002."""
    key = settings.SECRET_KEY.lower()
    placeholders = ("change-me", "changeme", "your-", "insecure", "placeholder")
    if len(key) >= 32 and not any(word in key for word in placeholders):
        return []
    return [
        Error(
            "SECRET_KEY is short or a placeholder.",
            hint="Use 50 random characters; `make install` writes some to var/secrets.env.",
            id="opscenter.E002",
        )
    ]


@register()
def lease_outlives_heartbeats(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E003."""
    if settings.LEASE_S >= 4 * settings.HEARTBEAT_S:
        return []
    return [
        Error(
            "LEASE_S is less than four times HEARTBEAT_S: calls in flight would be swept.",
            hint="The defaults are LEASE_S=60 and HEARTBEAT_S=3.",
            id="opscenter.E003",
        )
    ]


@register()
def metrics_are_guarded_by_something(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E010."""
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < 32:
        wrong = "METRICS_TOKEN is shorter than 32 characters."
    elif not all(_is_network(network) for network in settings.METRICS_NETWORKS):
        wrong = f"METRICS_NETWORKS is {','.join(settings.METRICS_NETWORKS)!r}."
    else:
        return []
    hint = "A random token, or networks such as 10.0.0.0/8,::1/128; docs/observability.md tells when to use which."
    return [Error(wrong, hint=hint, id="opscenter.E010")]


def _is_network(written: str) -> bool:
    try:
        ipaddress.ip_network(written)
    except ValueError:
        return False
    return True


@register()
def bodies_fit_into_their_budget(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E011."""
    if settings.BODY_BUDGET_BYTES >= settings.MAX_BODY_BYTES:
        return []
    return [
        Error(
            "BODY_BUDGET_BYTES is less than MAX_BODY_BYTES: the largest bodies would never be taken.",
            hint="The defaults are BODY_BUDGET_BYTES=134217728 and MAX_BODY_BYTES=33554432.",
            id="opscenter.E011",
        )
    ]


@register()
def virtual_keys_are_usable(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E012."""
    if settings.VIRTUAL_KEYS_PER_USER >= 0 and 0 <= settings.VIRTUAL_KEY_GRACE_S <= _LONGEST_GRACE_S:
        return []
    return [
        Error(
            "VIRTUAL_KEYS_PER_USER is negative, or VIRTUAL_KEY_GRACE_S is not from 0 to 30 days.",
            hint="The defaults are VIRTUAL_KEYS_PER_USER=100 and VIRTUAL_KEY_GRACE_S=86400.",
            id="opscenter.E012",
        )
    ]


@register()
def requests_are_kept_for_whole_months(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E013."""
    if settings.REQUEST_MONTHS_KEPT >= 0:
        return []
    return [
        Error(
            f"REQUEST_MONTHS_KEPT is {settings.REQUEST_MONTHS_KEPT}.",
            hint="The number of whole months that requests are kept beside the current one: 13 by default, 0 forever.",
            id="opscenter.E013",
        )
    ]


@register(deploy=True)
def several_workers_want_redis(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.W001."""
    if settings.WEB_CONCURRENCY <= 1 or settings.REDIS_URL or settings.DEBUG:
        return []
    return [
        Warning(
            "Several web processes run without REDIS_URL.",
            hint="Money stays exact without it, but tasks go over the filesystem: run one worker on the same machine.",
            id="opscenter.W001",
        )
    ]


@register()
def answers_are_kept_for_longer_than_calls_take(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E014."""
    longest_s = settings.REQUEST_TIMEOUT_S + settings.DRAIN_S + settings.LEASE_S
    if longest_s < settings.IDEMPOTENCY_KEPT_S and settings.IDEMPOTENCY_MAX_BYTES >= 0:
        return []
    return [
        Error(
            f"IDEMPOTENCY_KEPT_S is no more than the {longest_s:g} s that a call may take, or IDEMPOTENCY_MAX_BYTES is "
            "negative.",
            hint="The defaults are IDEMPOTENCY_KEPT_S=86400 and IDEMPOTENCY_MAX_BYTES=2097152.",
            id="opscenter.E014",
        )
    ]


_MOST_STEPS = 10
_STEP_TOKENS = (16, 100_000)
_HOTTEST = 2


@register()
def composed_calls_are_bounded(**kwargs: Any) -> list[CheckMessage]:
    """opscenter.E015."""
    least, most = _STEP_TOKENS
    is_bounded = 1 <= settings.REASONING_STEPS <= _MOST_STEPS and least <= settings.REASONING_STEP_TOKENS <= most
    if is_bounded and 0 <= settings.ROUTING_CLASSIFIER_TEMPERATURE <= _HOTTEST:
        return []
    return [
        Error(
            f"REASONING_STEPS is not from 1 to {_MOST_STEPS}, REASONING_STEP_TOKENS not from {least} to {most}, or "
            f"ROUTING_CLASSIFIER_TEMPERATURE not from 0 to {_HOTTEST}.",
            hint="The defaults are REASONING_STEPS=3, REASONING_STEP_TOKENS=512 and ROUTING_CLASSIFIER_TEMPERATURE=0.",
            id="opscenter.E015",
        )
    ]
