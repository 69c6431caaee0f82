"""The API describes itself without a doubt left open."""

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    written = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    described: dict[str, object] = yaml.safe_load(written.getvalue())
    return described


def test_the_schema_is_generated_without_a_warning(schema: dict[str, object]) -> None:
    assert str(schema["openapi"]).startswith("3.")


def test_an_inference_endpoint_is_described_once(schema: dict[str, object]) -> None:
    paths = schema["paths"]
    assert isinstance(paths, dict)
    assert [path for path in paths if path.endswith("chat/completions")] == [
        "/api/v2/llm/chat/completions",
        "/v1/chat/completions",
    ]
    assert "/api/v1/llm/credits" in paths


def test_every_operation_says_how_it_refuses(schema: dict[str, object]) -> None:
    paths = schema["paths"]
    assert isinstance(paths, dict)
    for path, operations in paths.items():
        for method, operation in operations.items():
            responses = operation["responses"]
            refusals = {status for status in responses if int(status) >= 400}
            assert refusals, (method, path)
            for status in refusals:
                shape = responses[status]["content"]["application/json"]["schema"]["$ref"]
                assert shape.endswith("/AnthropicError" if "/messages" in path else "/Error"), (method, path, status)
            if {} not in operation.get("security", [{}]):
                assert {"401", "403"} <= refusals, (method, path)


def test_models_are_called_by_a_key_or_by_a_session(schema: dict[str, Any]) -> None:
    assert schema["paths"]["/v1/chat/completions"]["post"]["security"] == [{"bearer": []}, {"session": []}]
    named = schema["components"]["securitySchemes"]
    assert (named["bearer"]["scheme"], named["session"]["in"]) == ("bearer", "cookie")
