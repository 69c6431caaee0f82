"""The catalog of a fresh installation: filled at its first start, and never again."""

import logging
from typing import Any

import pytest

from llmconfig import starting_catalog
from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderKey
from llmconfig.services import take_over
from llmconfig.snapshot import load
from opscenter.core.tiers import Tier
from tests.llmconfig.starting import GROQ, start

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_a_fresh_catalog_has_four_tiers_that_wait_for_their_keys(environment: Any) -> None:
    start()

    assert set(LLMModel.objects.values_list("tier", flat=True)) == set(Tier.values)
    rows = {row.model.name: row for row in Deployment.objects.complete()}
    assert (rows["llama3-70b-groq"].rpm, rows["llama3-70b-groq"].tpm) == (30, 14_400)
    assert str(rows["mixtral-8x22b-together"].provider) == "together: Default Together AI Key"
    assert LLMModel.objects.get(name="llama3-8b-ollama").privacy == "high"
    assert all(model.targets == () for model in load().models.values())
    assert not ActiveProvider.objects.exists()


def test_its_prices_are_those_of_the_tiers() -> None:
    bounds = {"free": (0, 0), "starter": (2, 3), "professional": (8, 10), "enterprise": (15, 15)}
    for offer in starting_catalog.offers():
        least, most = bounds[offer.model["tier"]]
        assert least <= offer.rates["input_price"] == offer.rates["output_price"] <= most, offer.name


def test_it_is_filled_once_and_what_was_deleted_stays_away(environment: Any) -> None:
    start()
    Deployment.objects.all().delete()
    LLMModel.objects.all().delete()
    ProviderKey.objects.all().delete()
    AIServer.objects.all().delete()

    assert start() == []
    assert not LLMModel.objects.exists()


def test_what_can_not_be_taken_over_is_told_and_keeps_nothing_from_starting(
    environment: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ALLOW_PRIVATE_AI_SERVERS = False
    environment["hosts"]["vllm"] = "10.0.0.7"
    environment["keys"] |= {"groq": GROQ, "openai": "your-openai-key-here"}

    with caplog.at_level(logging.WARNING, logger=take_over.__name__):
        taken = start()

    assert [str(row) for row in taken] == ["groq: Default Groq Key"]
    assert "The host of vllm in the environment is not taken over" in caplog.text
    assert "The API key of openai in the environment is not taken over: It is a placeholder." in caplog.text
    assert "your-openai" not in caplog.text
    assert not AIServer.objects.exists()
