"""One at a time: whoever syncs or looks holds the state's row, and lets go of it even where its process dies."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from llmconfig.models import ProxyState


def lease_s() -> float:
    """No sync works longer than this."""
    return float(900 + 3 * settings.LITELLM_RELOAD_TIMEOUT_S)


def state() -> ProxyState:
    return ProxyState.objects.get_or_create(pk=1)[0]


def is_held() -> bool:
    """Whether somebody is at work, or died at it and is waited for."""
    return ProxyState.objects.filter(held_until__gte=timezone.now()).exists()


@contextmanager
def held() -> Iterator[bool]:
    """Whether it is ours until the end of the block; else somebody else is at work."""
    state()
    holder, now = secrets.token_hex(16), timezone.now()
    free = ProxyState.objects.filter(Q(held_until__isnull=True) | Q(held_until__lt=now))
    is_ours = free.update(held_by=holder, held_until=now + timedelta(seconds=lease_s())) == 1
    try:
        yield is_ours
    finally:
        if is_ours:
            ProxyState.objects.filter(held_by=holder).update(held_by="", held_until=None)
