"""Embeddings of providers with formats of their own, as LiteLLM translates them."""

import asyncio
from typing import Any

import pytest

from gateway.transports.base import Call
from gateway.transports.errors import UpstreamBadRequest, UpstreamServerError
from gateway.transports.formats.embeddings import EMBEDDINGS
from gateway.transports.litellm import LiteLLM
from tests.gateway.transports.conftest import Scripted, SomeTarget

pytestmark = pytest.mark.asyncio

COHERE = {"litellm_provider": "cohere", "upstream_model": "embed-english-v3.0"}
REPLY = {
    "id": "e1",
    "embeddings": {"float": [[0.5, 0.25]]},
    "texts": ["one"],
    "meta": {"billed_units": {"input_tokens": 7}},
    "response_type": "embeddings_by_type",
}


def call(scripted: Scripted, *, target: dict[str, Any], **fields: Any) -> Call:
    some = SomeTarget(scripted.api_base, **target)
    return Call(
        target=some,
        body={"model": some.upstream_model, "input": ["one"], **fields},
        deadline=asyncio.get_running_loop().time() + 20,
        idle_timeout_s=10,
        format=EMBEDDINGS,
    )


async def test_coheres_vectors_and_tokens_are_openais(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.replies(REPLY)

    reply = await litellm_transport.complete(call(scripted, target=COHERE, input_type="search_query"))

    assert [item["embedding"] for item in reply.body["data"]] == [[0.5, 0.25]]
    assert EMBEDDINGS.read(reply.body)[1]["prompt_tokens"] == 7
    assert scripted.requests[0]["input_type"] == "search_query"


async def test_usage_that_nobody_reported_is_not_believed(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.replies({name: value for name, value in REPLY.items() if name != "meta"})

    reply = await litellm_transport.complete(call(scripted, target=COHERE))

    assert EMBEDDINGS.read(reply.body)[1] is None


async def test_a_parameter_that_the_provider_lacks_is_refused(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    with pytest.raises(UpstreamBadRequest):
        await litellm_transport.complete(call(scripted, target=COHERE, user="bob"))
    assert scripted.requests == []


async def test_unknown_fields_reach_a_server_that_speaks_openais_format(
    litellm_transport: LiteLLM, scripted: Scripted
) -> None:
    scripted.replies({"object": "list", "data": [{"index": 0, "embedding": [1.0]}], "model": "m"})

    await litellm_transport.complete(call(scripted, target={}, truncate_prompt_tokens=5))

    assert scripted.requests[0]["truncate_prompt_tokens"] == 5


async def test_an_error_in_place_of_vectors_is_one(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.replies({"error": {"message": "no"}})

    with pytest.raises(UpstreamServerError):
        await litellm_transport.complete(call(scripted, target={}))
