"""The list of models: narrowed to what somebody looks for, and switched on or off many at a time."""

from secrets import token_hex
from typing import Any

import pytest

from llmconfig.models import LLMModel
from llmconfig.services import platform_keys
from opscenter.core.models import AuditEntry, User
from tests.admin.site import Site, World

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.usefixtures("filled_catalog")]

LIST = "llm_llmmodel_changelist"


def listed(site: Site, **query: str) -> list[str]:
    page: Any = site.get(LIST, **query)
    return [row.name for row in page.context["cl"].result_list]


def test_models_that_wait_for_a_key_are_told_from_those_that_have_one(root: Site) -> None:
    platform_keys.put("openai", api_key=token_hex(20))

    assert listed(root, place="ready") == ["gpt-3.5-turbo", "gpt-4o", "gpt-4o-mini", "o1-mini"]
    waiting = listed(root, place="waiting")
    assert "llama3-70b-groq" in waiting
    assert "gpt-4o" not in waiting


def test_models_are_found_by_provider_tier_and_upstream_id(root: Site) -> None:
    assert listed(root, provider="groq") == ["gpt-oss-120b-groq", "llama3-70b-groq", "mixtral-8x7b-groq"]
    assert listed(root, provider="ai-servers") == ["llama3-8b-ollama", "qwen-32b-vllm"]
    assert listed(root, q="Meta-Llama/LLAMA-3.3", provider="deepinfra") == ["llama3-70b-deepinfra"]
    assert listed(root, tier__exact="professional", provider="openai") == []


def test_many_are_switched_off_and_on_and_each_is_audited(root: Site) -> None:
    chosen = [str(model.pk) for model in LLMModel.objects.filter(name__endswith="-groq")]

    root.post(LIST, data={"action": "disable", "_selected_action": chosen})

    assert set(LLMModel.objects.filter(enabled=False).values_list("name", flat=True)) == {
        "gpt-oss-120b-groq",
        "llama3-70b-groq",
        "mixtral-8x7b-groq",
    }
    entries = AuditEntry.objects.filter(entity_type="llm_models", action="update", entity_id__in=chosen)
    assert {entry.changes["after"]["enabled"] for entry in entries} == {False}
    root.post(LIST, data={"action": "enable", "_selected_action": chosen})
    assert not LLMModel.objects.filter(enabled=False).exists()
    assert entries.all().count() == 6


def test_who_may_only_look_switches_nothing(bob_user: User) -> None:
    chosen = [str(LLMModel.objects.get(name="gpt-4o").pk)]

    assert Site(bob_user).post(LIST, data={"action": "disable", "_selected_action": chosen}).status_code == 403
    assert LLMModel.objects.get(name="gpt-4o").enabled


def test_a_keys_page_says_who_set_it(root: Site, world: World) -> None:
    page = root.get("llm_providerkey_change", world.key.pk).content.decode()

    assert "a person" in page
