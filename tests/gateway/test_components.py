"""Which component a call is counted under, whatever it asks for."""

import json
from typing import Any

import pytest

from gateway.models import RequestRow
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.mark.parametrize(
    ("metadata", "header", "expected"),
    [("body", "header", "body"), ("", "header", "header"), (None, "header", "header"), (None, "", "of the key")],
)
def test_a_calls_component_is_the_bodys_else_the_headers_else_its_keys(
    serving: InProcess, alice: Api, upstream: Upstream, metadata: str | None, header: str, expected: str
) -> None:
    alice.model(on_server(alice.server(base_url=upstream.origin), "test-model"))
    key = key_of(person("bob", "LLM user"), component="of the key").plaintext
    serving.sees_changes()
    headers = {"X-Component": header} if header else {}
    asked: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
    tags = {"metadata": {"component": metadata, "operation": "o"}} if metadata is not None else {}

    for model in ("m1", "missing"):
        content = json.dumps({**asked, **tags, "model": model}).encode()
        serving.call("POST", "/v1/chat/completions", key=key, content=content, headers=headers)

    eventually(lambda: RequestRow.objects.count() == 2)
    rows = list(RequestRow.objects.all())
    assert {row.component for row in rows} == {expected}
    assert {row.operation for row in rows} == ({"o"} if tags else {""})


_CHAT: Any = {"model": "m1", "messages": [{"role": "user", "content": "Hello"}]}
_CALLS: dict[str, Any] = {
    "/v1/chat/completions": _CHAT,
    "/api/v2/llm/chat/completions": _CHAT,
    "/v1/messages": {**_CHAT, "max_tokens": 100},
    "/v1/responses": {"model": "m1", "input": "Hello"},
    "/v1/embeddings": {"model": "embedder", "input": "Hello"},
    "/v1/rerank": {"model": "ranker", "query": "Hello", "documents": ["World"]},
}


def test_every_endpoint_tags_its_calls_and_keeps_the_tags_from_the_provider(
    serving: InProcess, alice: Api, upstream: Upstream
) -> None:
    server = alice.server(base_url=upstream.origin, use_for_embeddings=True, use_for_reranking=True)
    for name, purpose in (("m1", "chat"), ("embedder", "embeddings"), ("ranker", "reranking")):
        alice.model(on_server(server, f"upstream-{name}"), name=name, purpose=purpose)
    key = key_of(person("bob", "LLM user")).plaintext
    serving.sees_changes()
    tags = {"component": "indexer", "operation": "nightly", "routing_path": "a > b"}

    for path, asked in _CALLS.items():
        by_body = json.dumps({**asked, "metadata": tags}).encode()
        by_header = json.dumps(asked).encode()
        for content, headers in ((by_body, {}), (by_header, {"X-Component": "of the header"})):
            answer = serving.call("POST", path, key=key, content=content, headers=headers)
            assert answer.status_code == 200, (path, answer.text)

    rows = eventually(lambda: rows if len(rows := list(RequestRow.objects.all())) == 2 * len(_CALLS) else [])
    told = sorted((row.component, row.operation, row.routing_path) for row in rows)
    assert told == [("indexer", "nightly", "a > b")] * len(_CALLS) + [("of the header", "", "")] * len(_CALLS)
    assert all("indexer" not in json.dumps(call.body) for call in upstream.calls)
