"""List pages cost the same number of queries however many rows they show."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.llmconfig.api import SERVER_SECRET, Api, on_key, on_server


@pytest.mark.parametrize("path", ["servers", "api-keys", "models", "deployments"])
def test_a_list_does_not_query_per_row(path: str, alice: Api) -> None:
    _fill(alice, range(2))
    few = _count(lambda: alice.get(path))
    _fill(alice, range(2, 12))

    assert _count(lambda: alice.get(path)) == few <= 12


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


def _count(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)
