"""The public model's name stands in every answer, whatever way the upstream writes its own."""

import json

import pytest

from gateway.renaming import Renaming
from gateway.transports.chunk import received


@pytest.mark.parametrize("name", ["up", "up-2024-08-06", "größer", 'with "quotes"', None, 7])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_name_is_replaced_and_nothing_else(name: object, separators: tuple[str, str], ascii_only: bool) -> None:
    body = {"id": "1", "model": name, "choices": [{"delta": {"content": 'she said "model":"up"'}}]}
    raw = json.dumps(body, separators=separators, ensure_ascii=ascii_only).encode()
    assert json.loads(Renaming("m1").apply(received(raw))) == {**body, "model": "m1"}


def test_one_renaming_serves_chunks_of_several_names() -> None:
    rename = Renaming("m1")
    for name in ("a", "b", "a"):
        body = {"model": name}
        assert json.loads(rename.apply(received(json.dumps(body).encode()))) == {"model": "m1"}
