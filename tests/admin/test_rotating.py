"""Rotating a provider key with the buttons of its page."""

from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from django.utils import timezone

from llmconfig.models import ProviderKey
from opscenter.core import secrets
from tests.admin.site import PROVIDER_SECRET, Site, World, last_entry, text
from tests.upstream import Upstream

pytestmark = pytest.mark.once

PAGE = "llm_providerkey"
NEXT = f"{token_hex(12)}abcd"


@pytest.fixture(autouse=True)
def openai_is_the_test_upstream(upstream: Upstream, settings: Any) -> None:
    settings.PROVIDER_API_BASES = {"openai": upstream.base_url}


def rotate(site: Site, key: ProviderKey, **wanted: str) -> Any:
    return site.press(PAGE, key, "rotate", confirmed="yes", **{"api_key": NEXT, "when": "now", **wanted})


def in_use(key: ProviderKey) -> str:
    row = ProviderKey.objects.get(pk=key.pk)
    assert row.encrypted_key
    return secrets.reveal(row.encrypted_key, owner=row)


def test_a_key_is_rotated_and_reverted_from_its_page(root: Site, world: World, root_user: Any) -> None:
    assert "It is tried at OpenAI first" in text(root.press(PAGE, world.key, "rotate"))

    page = rotate(root, world.key)

    assert "****abcd (version 2) is in use now. Healthy" in text(page)
    assert "1 ****5d80 Retired, kept until" in text(page)
    assert (in_use(world.key), last_entry().action, last_entry().user_id) == (NEXT, "rotate", root_user.pk)
    assert not [one for one in (NEXT, PROVIDER_SECRET) if one in page.content.decode()]
    assert "****5d80 (version 1), retired" in text(root.press(PAGE, world.key, "revert"))
    assert "****5d80 (version 1) is in use now" in text(
        root.press(PAGE, world.key, "revert", confirmed="yes", number="1")
    )
    assert in_use(world.key) == PROVIDER_SECRET


def test_a_refused_key_stays_out_and_the_form_says_why(root: Site, world: World, upstream: Upstream) -> None:
    upstream.behave("/v1/models", "status-401")

    page = rotate(root, world.key)

    assert "nothing was changed: It answered 401: the API key is refused." in text(page)
    assert NEXT not in page.content.decode()
    assert in_use(world.key) == PROVIDER_SECRET


def test_a_staged_key_is_activated_or_erased(root: Site, world: World) -> None:
    staged = rotate(root, world.key, when="staged")
    assert "****abcd (version 2) is staged. It waits to be activated." in text(staged)
    assert "/do/rotate/" not in staged.content.decode()

    root.press(PAGE, world.key, "activate", confirmed="yes")
    assert in_use(world.key) == NEXT
    gone = root.press(PAGE, world.key, "revoke-version", confirmed="yes", number="1")

    assert "Version 1 is erased here." in text(gone)
    assert "1 ****5d80 Revoked erased" in text(gone)


def test_a_key_is_staged_for_a_time_to_come(root: Site, world: World) -> None:
    assert "A time that is to come." in text(rotate(root, world.key, when="at", activates_at="2020-01-01 06:00"))

    page = rotate(root, world.key, when="at", activates_at="2100-01-01 06:00")

    assert "It goes into use on 2100-01-01 at 06:00 UTC." in text(page)
    assert "Staged, from 2100-01-01 06:00" in text(page)


def test_the_front_page_tells_what_is_due_and_what_was_refused(root: Site, world: World) -> None:
    rotate(root, world.key, when="staged")
    past = timezone.now() - timedelta(days=1)
    refused = {"activates_at": past, "activation_refusal": "It answered 401: the API key is refused."}
    ProviderKey.objects.platform().update(rotation_interval_days=30, rotation_due_at=past, **refused)

    page = text(root.get("index"))

    assert "It answered 401: the API key is refused." in page
    assert "Provider keys that are due for rotation: openai: main." in page
    for wanted in ("due", "staged"):
        assert "openai: main" in text(root.get(f"{PAGE}_changelist", rotation=wanted))
    ProviderKey.objects.update(enabled=False)
    assert "openai: main" not in text(root.get(f"{PAGE}_changelist", rotation="due"))
