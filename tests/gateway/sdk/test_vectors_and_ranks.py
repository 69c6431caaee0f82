"""Embeddings by OpenAI's SDK, and reranking by plain HTTP in Cohere's and in Jina's shapes.

Cohere's SDK is not among the tools of the tests: it would bring a dozen packages, boto3's helpers among them, for one
call; Jina has none.
"""

import json
from typing import Any

import openai
import pytest

from tests.gateway.in_process import InProcess
from tests.gateway.sdk.clients import by_openai
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_DOCUMENTS = ["a dog", "the red fox", "a red car"]


def _embedded(serving: InProcess, key: str, **asked: Any) -> Any:
    async def ask(sdk: openai.AsyncOpenAI) -> Any:
        return await sdk.embeddings.create(model="embedder", **asked)

    return by_openai(serving, key, ask)


def test_the_sdk_decodes_the_vectors_that_it_asks_for_in_base64(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    by_default = _embedded(serving, key, input=["one", "two"])
    as_floats = _embedded(serving, key, input=["one", "two"], encoding_format="float")

    assert [call.body.get("encoding_format") for call in upstream.calls] == ["base64", "float"]
    for coded, plain in zip(by_default.data, as_floats.data, strict=True):
        assert coded.embedding == pytest.approx(plain.embedding, abs=1e-6)
    assert by_default.usage.prompt_tokens == as_floats.usage.prompt_tokens > 0


def test_vectors_are_as_long_as_was_asked(serving: InProcess, key: str) -> None:
    assert len(_embedded(serving, key, input="one", dimensions=5).data[0].embedding) == 5


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v2/rerank", {"documents": _DOCUMENTS, "top_n": 2}),
        ("/v1/rerank", {"documents": [{"text": text} for text in _DOCUMENTS], "top_n": 2, "return_documents": True}),
        ("/v1/rerank", {"documents": _DOCUMENTS, "top_n": 2, "return_documents": False}),
    ],
    ids=["cohere-v2", "cohere-v1-and-jina", "jina"],
)
def test_documents_are_ranked(serving: InProcess, key: str, path: str, asked: dict[str, Any]) -> None:
    content = json.dumps({"model": "ranker", "query": "red fox", **asked}).encode()
    answer = serving.call("POST", path, key=key, content=content)

    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["index"] for result in results] == [1, 2]
    assert results[0]["relevance_score"] > results[1]["relevance_score"]
    wants = asked.get("return_documents", False)
    assert [result.get("document") for result in results] == (
        [{"text": "the red fox"}, {"text": "a red car"}] if wants else [None, None]
    )
