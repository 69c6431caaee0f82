"""POST /v1/rerank: for clients of Cohere's and of Jina's, billed by searches or by tokens, whichever has a price."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits import checker
from gateway.counting import count_tokens
from gateway.endpoints.rerank import parse
from gateway.errors import InvalidRequest
from gateway.models import RequestRow
from gateway.pricing import token_rates
from gateway.stored_receipts import receipt_of
from gateway.transports.errors import UpstreamBroken
from gateway.transports.formats.rerank import RERANK
from gateway.usage_counts import Usage
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.upstream import Upstream

_ASKED = {"query": "red fox", "documents": ["a dog", "the red fox", {"text": "a red car"}]}


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream) -> str:
    server = alice.server(base_url=upstream.origin, use_for_reranking=True)
    on = on_server(server, "ranker")
    alice.model(on, name="by-search", purpose="reranking", input_price="0", search_price="0.002")
    alice.model(on, name="by-token", purpose="reranking", input_price="2")
    plaintext = key_of(person("bob", "LLM user", credits_nano=10**12)).plaintext
    serving.sees_changes()
    return plaintext


def _rerank(serving: InProcess, key: str, path: str = "/v1/rerank", **body: Any) -> httpx.Response:
    return serving.call("POST", path, key=key, content=json.dumps({**_ASKED, **body}).encode())


def _row(answer: httpx.Response) -> RequestRow:
    row = eventually(lambda: RequestRow.objects.filter(pk=answer.headers["x-request-id"]).first())
    assert row is not None
    assert list(checker.check()) == []
    assert receipt_of(row).contradictions == ()
    return row


@pytest.mark.once
@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/api/v1/llm/rerank"])
def test_a_search_is_billed_and_both_kinds_of_clients_can_read_the_answer(
    serving: InProcess, key: str, path: str
) -> None:
    answer = _rerank(serving, key, path, model="by-search", top_n=2)

    body = answer.json()
    assert ([result["index"] for result in body["results"]], body["model"]) == ([1, 2], "by-search")
    assert body["meta"]["billed_units"]["search_units"] == 1
    row = _row(answer)
    # $0.002 at 1000 credits per USD.
    assert (row.endpoint, row.billing_basis, row.searches, row.charged_nano) == ("rerank", "provider", 1, 2 * 10**9)
    assert "Searches" in [step.what for step in receipt_of(row).steps]


@pytest.mark.once
@pytest.mark.parametrize(("wants", "shown"), [(True, [{"text": "the red fox"}]), (False, [None])])
def test_documents_are_there_for_who_wants_them(serving: InProcess, key: str, wants: bool, shown: list[Any]) -> None:
    body = _rerank(serving, key, model="by-search", top_n=1, return_documents=wants).json()

    assert [result.get("document") for result in body["results"]] == shown


@pytest.mark.once
def test_without_a_bill_of_the_providers_what_was_read_is_counted(
    serving: InProcess, key: str, upstream: Upstream
) -> None:
    upstream.behave("ranker", "no-usage")

    row = _row(_rerank(serving, key, model="by-token"))

    tokens = sum(count_tokens(text) + count_tokens("red fox") for text in ("a dog", "the red fox", "a red car"))
    assert (row.billing_basis, row.prompt_tokens, row.searches) == ("counted", tokens, 1)


@pytest.mark.once
def test_an_upstream_that_fails_is_free(serving: InProcess, key: str, upstream: Upstream) -> None:
    upstream.behave("ranker", "garbage-json")

    answer = _rerank(serving, key, model="by-search")

    assert (answer.status_code, _row(answer).charged_nano) == (502, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": ["a"]}, "query"),
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "documents"),
        ({"documents": [1]}, "documents"),
        ({"documents": [{"image": "a"}]}, "documents"),
        ({"documents": [{"text": "a", "title": "b"}]}, "documents"),
        ({"top_n": 0}, "top_n"),
        ({"return_documents": "yes"}, "return_documents"),
    ],
)
def test_what_cannot_be_ranked_is_refused_by_name(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(json.dumps({**_ASKED, **body}).encode())
    assert refused.value.param == field


@given(st.text(min_size=1, max_size=600), st.lists(st.text(max_size=3000), min_size=1, max_size=250))
def test_searches_are_never_more_than_what_is_held_for(query: str, documents: list[str]) -> None:
    ask = parse(json.dumps({"query": query, "documents": documents}).encode())

    assert 1 <= -(-len(documents) // 100) <= ask.searches <= ask.most_searches
    rates = token_rates(
        **dict.fromkeys(("input_price", "cached_price", "write_price", "output_price"), Decimal(1)),
        search_price=Decimal("0.002"),
        markup=Decimal(0),
        multiplier=Decimal(1),
        credits_per_usd="1000",
    )
    used = Usage(sum(len(text) for text in documents), 0, 0, 0, ask.searches)
    most = rates.most_nano(input_tokens=ask.input_bound, output_tokens=0, searches=ask.most_searches)
    assert rates.cost_nano(used) <= most


@pytest.mark.parametrize(
    ("said", "tokens", "searches"),
    [
        ({"usage": {"total_tokens": 7}}, 7, 0),
        ({"usage": {"prompt_tokens": 6, "total_tokens": 7}}, 6, 0),
        ({"meta": {"billed_units": {"search_units": 2.0}}}, 0, 2),
        ({"meta": {"billed_units": {"input_tokens": 5}, "tokens": {"input_tokens": 9}}}, 5, 0),
    ],
)
def test_every_kind_of_bill_is_read(said: dict[str, Any], tokens: int, searches: int) -> None:
    _, usage = RERANK.read({"results": [], **said})

    assert Usage.from_openai(usage) == Usage(tokens, 0, 0, 0, searches)


@pytest.mark.parametrize("said", [{}, {"usage": None, "meta": 7}, {"meta": {"billed_units": []}}])
def test_no_bill_is_none(said: dict[str, Any]) -> None:
    assert RERANK.read({"results": [], **said}) == ("", None)


@pytest.mark.parametrize("results", [None, {}, [1], [{"index": 0}], [{"index": "0", "relevance_score": 1.0}]])
def test_results_of_a_wrong_shape_are_broken(results: object) -> None:
    with pytest.raises(UpstreamBroken):
        RERANK.check({"results": results})
