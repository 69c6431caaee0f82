"""Which component a call is counted under."""

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
