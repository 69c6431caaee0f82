"""The bench's load generator knows a right answer from a wrong one."""

import subprocess
import sys

import pytest

from bench.conversation import WrongAnswer, check, plain_answer, stream_events
from bench.load import quantile, whole_body
from bench.stub import PLAIN, STREAM, STREAM_HEAD
from tests import ROOT
from tests.upstream import Upstream


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_model_server_says_is_right(stream: bool) -> None:
    body = whole_body(STREAM_HEAD + b"".join(STREAM) if stream else PLAIN)
    assert body == (b"".join(stream_events()) if stream else plain_answer())
    check(body, stream=stream)


def test_a_stream_has_103_chunks_and_its_end() -> None:
    assert len(stream_events()) == 103 + 1


@pytest.mark.parametrize("missing", range(1, 104))
def test_a_stream_that_lost_an_event_is_wrong(missing: int) -> None:
    events = stream_events()
    del events[missing]
    with pytest.raises(WrongAnswer):
        check(b"".join(events), stream=True)


@pytest.mark.parametrize("answer", [PLAIN, STREAM_HEAD + b"".join(STREAM)])
def test_no_answer_is_whole_before_its_last_byte(answer: bytes) -> None:
    assert all(whole_body(answer[:end]) is None for end in range(len(answer)))


def test_a_refusal_is_wrong() -> None:
    with pytest.raises(WrongAnswer, match="402"):
        whole_body(b"HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n")


def test_another_servers_words_end_the_load(upstream: Upstream) -> None:
    options = ("--port", str(upstream.port), "--key", "none", "--model", "m1", "--in-flight", "2")
    ended = subprocess.run(
        [sys.executable, "-m", "bench.load", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode
    assert "WrongAnswer: 0 words of 100" in ended.stderr


@pytest.mark.parametrize(("q", "expected"), [(0.5, 50), (0.99, 99), (1, 100)])
def test_a_quantile_is_a_value_that_was_seen(q: float, expected: int) -> None:
    assert quantile(list(range(100, 0, -1)), q) == expected
