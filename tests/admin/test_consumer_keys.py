"""Consumers' own keys: operators see that they are there and can block them, and no more."""

import pytest

from llmconfig.models import ConsumerKey, ProviderKey
from opscenter.core.models import AuditEntry
from tests.admin.site import CONSUMER_SECRET, Site, World, text

pytestmark = pytest.mark.once
PAGE = "llm_consumerkey"


def test_they_have_a_page_apart_from_the_platforms(root: Site, world: World) -> None:
    own = ConsumerKey.objects.get()

    page = root.get(f"{PAGE}_change", own.pk).content.decode()

    assert str(own.owner) in text(root.get(f"{PAGE}_changelist"))
    assert "openai: own" not in text(root.get("llm_providerkey_changelist"))
    assert root.get("llm_providerkey_change", own.pk).status_code == 302
    assert (CONSUMER_SECRET in page, CONSUMER_SECRET[-4:] in page) == (False, True)
    assert 'name="api_key"' not in page


def test_an_operator_blocks_and_frees_one(root: Site, world: World) -> None:
    own = ConsumerKey.objects.get()

    root.press(PAGE, own, "block", confirmed="yes")
    assert not ProviderKey.objects.enabled().filter(pk=own.pk).exists()
    assert AuditEntry.objects.filter(entity_type="llm_api_keys", entity_id=str(own.pk)).latest("pk").after == {
        "blocked": True
    }

    root.press(PAGE, own, "unblock")
    assert ProviderKey.objects.enabled().filter(pk=own.pk).exists()
