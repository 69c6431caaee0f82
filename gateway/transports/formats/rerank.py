"""Reranking, as Cohere, Jina and the servers that follow either of them answer: results, and one of several bills."""

from collections.abc import Mapping
from typing import Any

from gateway.transports.base import Body, Format
from gateway.transports.errors import UpstreamBroken
from gateway.transports.json_body import json_object
from gateway.transports.sse import Events


class _Rerank:
    path = "rerank"
    events = Events
    decode = staticmethod(json_object)

    @staticmethod
    def check(body: Body) -> None:
        results = body.get("results")
        if not isinstance(results, list) or not all(_is_result(result) for result in results):
            raise UpstreamBroken

    @staticmethod
    def read(body: Body) -> tuple[str, Any]:
        """Jina and vLLM report tokens in `usage`; Cohere searches, or tokens, in `meta`."""
        usage, meta = _mapping(body.get("usage")), _mapping(body.get("meta"))
        billed, used = _mapping(meta.get("billed_units")), _mapping(meta.get("tokens"))
        tokens = _first(
            (usage, "prompt_tokens"),
            (usage, "total_tokens"),
            (billed, "input_tokens"),
            (billed, "total_tokens"),
            (used, "input_tokens"),
        )
        searches = _first((billed, "search_units"))
        if tokens is None and searches is None:
            return "", None
        return "", {"prompt_tokens": tokens or 0, "completion_tokens": 0, "searches": searches or 0}


def _is_result(result: Any) -> bool:
    return (
        isinstance(result, dict)
        and type(result.get("index")) is int
        and type(result.get("relevance_score")) in (int, float)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(*places: tuple[Mapping[str, Any], str]) -> Any:
    """LiteLLM and Cohere write whole numbers as floats at times."""
    found = next((counts[name] for counts, name in places if counts.get(name) is not None), None)
    return int(found) if isinstance(found, float) and found.is_integer() else found


RERANK: Format = _Rerank()
