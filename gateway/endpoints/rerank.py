"""POST /v1/rerank: documents in the order in which they answer a query, for clients of Cohere's and Jina's.

Both read the same answer: `results`, Jina's `usage` and Cohere's `meta`.
"""

import json
from typing import Any

from gateway.ask import Ask, boolean_in, count_in, model_in, take_tags
from gateway.counting import count_tokens
from gateway.endpoints.base import Endpoint, OneWay
from gateway.errors import InvalidRequest
from gateway.exchange import Exchange
from gateway.request_json import json_object
from gateway.transports.base import Body, Reply
from gateway.transports.formats.rerank import RERANK as FORMAT
from gateway.unpriced import refuse_unpriced
from llmconfig.models import Purpose
from llmconfig.target import Target

_DOCUMENT_ALLOWANCE = 16
# By Cohere's price list: a search has up to 100 documents, and a longer one counts as several, query and all.
_DOCUMENTS_PER_SEARCH = 100
_TOKENS_PER_DOCUMENT = 500
_BYTES_PER_TOKEN = 4
_OF_LITELLM = frozenset({"documents", "max_tokens_per_doc", "model", "query", "return_documents", "top_n"})


def parse(raw: bytes) -> Ask:
    """Read a rerank body. Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    query = body.get("query")
    if not isinstance(query, str) or not query:
        raise InvalidRequest("`query` must be a text, and not empty.", param="query")
    documents = body["documents"] = _texts(body.get("documents"))
    count_in(body, "top_n")
    boolean_in(body, "return_documents")
    refuse_unpriced(body)
    lengths = [len(text.encode(errors="surrogatepass")) for text in (query, *documents)]
    return Ask(
        body=body,
        model=model_in(body),
        stream=False,
        include_usage=False,
        choices=0,
        max_tokens=None,
        # The query is read with each document. A token is at least one byte of text.
        input_bound=sum(lengths) + (lengths[0] + _DOCUMENT_ALLOWANCE) * len(documents),
        media=0,
        searches=_searches([-(-length // _BYTES_PER_TOKEN) for length in lengths]),
        most_searches=_searches(lengths),
        tags=take_tags(body),
    )


def _texts(documents: Any) -> list[str]:
    """Jina's and Cohere's older clients wrap each text in an object."""
    if isinstance(documents, list) and documents:
        given = [one["text"] if isinstance(one, dict) and one.keys() == {"text"} else one for one in documents]
        if len(texts := [text for text in given if isinstance(text, str)]) == len(given):
            return texts
    raise InvalidRequest('`documents` must be a list of texts, or of objects {"text": ...}.', param="documents")


def _searches(tokens: list[int]) -> int:
    query, *documents = tokens
    parts = sum(max(1, -(-(query + document) // _TOKENS_PER_DOCUMENT)) for document in documents)
    return -(-parts // _DOCUMENTS_PER_SEARCH)


def count_prompt(body: Body) -> int:
    query = count_tokens(body["query"])
    return sum(query + count_tokens(text) for text in body["documents"])


class RerankWay:
    format = FORMAT

    def transport(self, target: Target) -> str:
        return target.transport

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        if target.transport == "litellm" and (unknown := sorted(ask.body.keys() - _OF_LITELLM)):
            raise InvalidRequest(f"The provider of this model does not support `{unknown[0][:100]}`.", param=unknown[0])
        return {**ask.body, "model": target.upstream_model}

    def speaker(self, exchange: Exchange) -> "RerankSpeaker":
        return RerankSpeaker(exchange)


class RerankSpeaker:
    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def plain(self, reply: Reply) -> bytes:
        exchange = self._exchange
        usage = exchange.meter.usage or exchange.counted_usage()
        body = {
            "id": str(exchange.id),
            "object": "list",
            "model": exchange.answering.candidate.target.model_name,
            "results": [self._result(result) for result in reply.body["results"]],
            "usage": {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt},
            "meta": {
                "billed_units": {"search_units": usage.searches},
                "tokens": {"input_tokens": usage.prompt, "output_tokens": 0},
            },
        }
        return json.dumps(body, separators=(",", ":")).encode()

    def _result(self, result: Body) -> Body:
        """With its document where the client wants it, without where it does not, else as the provider likes."""
        asked = self._exchange.ask.body
        wants, documents = asked.get("return_documents"), asked["documents"]
        told = {"index": result["index"], "relevance_score": result["relevance_score"]}
        if wants and 0 <= result["index"] < len(documents):
            return told | {"document": {"text": documents[result["index"]]}}
        if wants is None and result.get("document") is not None:
            return told | {"document": result["document"]}
        return told


RERANK: Endpoint = OneWay("rerank", Purpose.RERANKING.value, parse, count_prompt, RerankWay())
