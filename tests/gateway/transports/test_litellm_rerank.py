"""Reranking by providers with formats of their own, as LiteLLM translates it."""

import asyncio
from typing import Any

import pytest

from gateway.transports.base import Call
from gateway.transports.formats.rerank import RERANK
from gateway.transports.litellm import LiteLLM
from tests.gateway.transports.conftest import Scripted, SomeTarget

pytestmark = pytest.mark.asyncio

RESULTS = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]


def call(scripted: Scripted, **fields: Any) -> Call:
    some = SomeTarget(scripted.api_base, litellm_provider="cohere", upstream_model="rerank-v3.5")
    return Call(
        target=some,
        body={"model": some.upstream_model, "query": "q", "documents": ["a", "b"], **fields},
        deadline=asyncio.get_running_loop().time() + 20,
        idle_timeout_s=10,
        format=RERANK,
    )


async def test_coheres_results_and_searches_come_through(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 3}}
    scripted.replies({"id": "r1", "results": RESULTS, "meta": meta})

    reply = await litellm_transport.complete(call(scripted, top_n=2))

    assert [result["index"] for result in reply.body["results"]] == [1, 0]
    assert RERANK.read(reply.body)[1]["searches"] == 3
    assert scripted.requests[0]["top_n"] == 2


async def test_a_bill_that_nobody_sent_is_not_believed(litellm_transport: LiteLLM, scripted: Scripted) -> None:
    scripted.replies({"id": "r1", "results": RESULTS})

    reply = await litellm_transport.complete(call(scripted))

    assert RERANK.read(reply.body) == ("", None)
