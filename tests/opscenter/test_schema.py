"""The API describes itself without a doubt left open."""

from io import StringIO

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
