"""List pages cost the same number of queries however many rows they show."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.llmconfig.api import SERVER_SECRET, Api, on_key, on_server

PATHS = ["servers", "api-keys", "models", "deployments"]
MOST_QUERIES = 12


def test_no_list_queries_per_row(alice: Api) -> None:
    _fill(alice, range(2))
    few = _counts(alice)
    _fill(alice, range(2, 12))

    assert _counts(alice) == few
    assert max(few.values()) <= MOST_QUERIES


def _fill(alice: Api, numbers: range) -> None:
    for number in numbers:
        server = alice.server(name=f"s{number}", api_key=SERVER_SECRET)
        key = alice.key(key_name=f"k{number}")
        alice.model(
            on_server(server),
            on_key(key, input_price="2"),
            name=f"m{number}",
            input_price="1",
            output_price="2",
        )


def _counts(alice: Api) -> dict[str, int]:
    return {path: _count(alice, path) for path in PATHS}


def _count(alice: Api, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert alice.get(path).status == 200
    return len(captured)
