"""The other endpoints, which answer at once: embeddings and rerank."""

import base64
import hashlib
import struct
from typing import Any

from aiohttp import web

from opscenter.demo_server import RequestRefused
from tests.upstream.misbehaviour import MISBEHAVIOUR

_MOST_DIMENSIONS = 4096


async def embeddings(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    size = body.get("dimensions") or 8
    if size not in range(1, _MOST_DIMENSIONS + 1):
        raise RequestRefused("dimensions is out of range.", param="dimensions")
    vectors: list[Any] = [_vector(str(text), size) for text in texts]
    if body.get("encoding_format") == "base64":
        vectors = [base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors]
    data = [{"object": "embedding", "index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    answer = {"object": "list", "data": data, "model": body["model"]}
    if "no-usage" not in request[MISBEHAVIOUR]:
        tokens = _words(*texts)
        answer["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return web.json_response(answer)


def _vector(text: str, size: int) -> list[float]:
    digest = hashlib.sha256(text.encode()).digest()
    return [digest[i % len(digest)] / 255 for i in range(size)]


def _words(*texts: Any) -> int:
    return sum(len(str(text).split()) for text in texts)


async def rerank(request: web.Request) -> web.StreamResponse:
    """Cohere's shape; the more of the query's words a document has, the higher it ranks."""
    body = await request.json()
    query = set(body["query"].lower().split())
    scores = [len(query & set(str(text).lower().split())) / len(query) for text in body["documents"]]
    ranked = sorted(range(len(scores)), key=lambda i: -scores[i])[: body.get("top_n") or len(scores)]
    results = [{"index": i, "relevance_score": scores[i]} for i in ranked]
    answer = {"id": "rerank-1", "model": body["model"], "results": results}
    if "no-usage" not in request[MISBEHAVIOUR]:
        answer["meta"] = {"billed_units": {"search_units": 1}}
    return web.json_response(answer)


ROUTES = [
    web.post("/v1/embeddings", embeddings),
    web.post("/v1/rerank", rerank),
]
