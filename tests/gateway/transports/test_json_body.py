"""What is written to upstreams and read from them, whatever a fast reader makes of it."""

import json

import pytest

from gateway.transports.errors import UpstreamBroken
from gateway.transports.json_body import decoded, encoded


@pytest.mark.parametrize("body", [{"text": "half \ud83d"}, {"seed": 2**70}, {"text": "ü", "n": 1.5, "none": None}])
def test_a_body_is_written_so_that_it_can_be_read(body: dict[str, object]) -> None:
    assert json.loads(encoded(body)) == body


@pytest.mark.parametrize("content", [b'{"a": "\\ud83d"}', b'{"a": -Infinity}', b'{"a": [1, "\xc3\xbc"]}'])
def test_an_answer_is_read_as_python_reads_it(content: bytes) -> None:
    assert decoded(content) == json.loads(content)


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": "\xff"}', b"[" * 100_000])
def test_what_is_no_json_is_broken(content: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        decoded(content)
