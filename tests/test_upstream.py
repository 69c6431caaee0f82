"""The test upstream cuts, delays and garbles as it is told: other tests are only as good as this."""

import json

import httpx
import pytest

from tests.eventually import eventually
from tests.upstream import Upstream, refusing_url
from tests.upstream.client import QUESTION, chat, events, raw_stream, read_all, read_until, said, stream


def test_it_behaves_unless_told_otherwise(upstream: Upstream) -> None:
    answer = chat(upstream, "any-model").json()
    assert answer["model"] == "any-model"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert stream(upstream, "any-model").endswith(b"data: [DONE]\n\n")


def test_every_call_is_logged_with_what_was_reported(upstream: Upstream) -> None:
    headers = {"Authorization": "Bearer sk-1"}
    body = {"model": "m", "messages": [QUESTION], "unknown": 1}
    answer = httpx.post(f"{upstream.base_url}/chat/completions", json=body, headers=headers).json()
    call = upstream.calls.for_model("m")[0]
    assert (call.method, call.path, call.body) == ("POST", "/v1/chat/completions", body)
    assert call.headers["authorization"] == "Bearer sk-1"
    assert (call.status, call.usage, call.finished) == (200, answer["usage"], True)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 500, 503])
def test_an_error_status_comes_in_openais_envelope(upstream: Upstream, status: int) -> None:
    answer = chat(upstream, f"fault:status-{status}", stream=True)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == f"told_{status}"
    assert upstream.calls[-1].status == status


def test_an_error_quotes_the_key_as_providers_do(upstream: Upstream) -> None:
    body = {"model": "fault:status-401", "messages": [QUESTION]}
    headers = {"Authorization": "Bearer sk-secret"}
    answer = httpx.post(f"{upstream.base_url}/chat/completions", json=body, headers=headers)
    assert "sk-secret" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("fault", "seconds"), [("status-429", "1"), ("status-429:7", "7"), ("status-503:9", "9")])
def test_rate_limits_say_when_to_come_back(upstream: Upstream, fault: str, seconds: str) -> None:
    assert chat(upstream, f"fault:{fault}").headers["Retry-After"] == seconds


def test_refused_connections(upstream: Upstream) -> None:
    with refusing_url() as url, pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models")


def test_a_redirect_points_where_followers_are_seen(upstream: Upstream) -> None:
    assert chat(upstream, "fault:redirect").status_code == 302
    assert upstream.calls.to("/stolen") == []
    httpx.get(f"{upstream.base_url}/models", headers={"x-upstream-fault": "redirect"}, follow_redirects=True)
    assert len(upstream.calls.to("/stolen")) == 1


@pytest.mark.parametrize("fault", ["slow-first-byte:30", "slow-first-chunk:30"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_slow_one_leaves_its_caller_waiting(upstream: Upstream, fault: str, streamed: bool) -> None:
    with pytest.raises(httpx.ReadTimeout):
        chat(upstream, f"fault:{fault}", read_s=0.1, stream=streamed)
    assert eventually(lambda: upstream.calls[-1].client_gone)


def test_slow_ends(upstream: Upstream) -> None:
    assert said(stream(upstream, "fault:slow-first-byte:0.01"))


def test_only_the_slow_chunk_shows_its_headers_at_once(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:slow-first-chunk:30") as connection:
        assert b"200 OK" in read_until(connection, b"\r\n\r\n")
    with raw_stream(upstream, "fault:slow-first-byte:30") as connection:
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_reset_before_the_first_byte(upstream: Upstream) -> None:
    with (
        raw_stream(upstream, "fault:reset-before-first-byte") as connection,
        pytest.raises(ConnectionResetError),
    ):
        connection.recv(1)
    assert upstream.calls[-1].hung_up


def test_close_before_the_first_byte(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:close-before-first-byte") as connection:
        assert connection.recv(1) == b""


def test_stall_mid_stream_keeps_the_connection(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:stall-mid-stream:2") as connection:
        read_until(connection, b'"This"')
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert upstream.calls[-1].events_sent == 2
    assert eventually(lambda: upstream.calls[-1].client_gone)


def test_reset_mid_stream(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:reset-mid-stream:2") as connection:
        read_until(connection, b'"This"')
        with pytest.raises(ConnectionResetError):
            read_all(connection)
    assert not upstream.calls[-1].client_gone


def test_half_close_mid_stream_still_listens(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:half-close-mid-stream") as connection:
        received = read_all(connection)
        assert b"[DONE]" not in received
        assert not received.endswith(b"0\r\n\r\n")
        assert not upstream.calls[-1].ended
    assert eventually(lambda: upstream.calls[-1].ended)


def test_eof_mid_stream_looks_complete_to_http(upstream: Upstream) -> None:
    body = stream(upstream, "fault:eof-mid-stream:4")
    assert said(body) == "This is the"
    assert b"[DONE]" not in body
    assert b'"finish_reason":"stop"' not in body


@pytest.mark.parametrize("fault", ["stall", "reset", "half-close", "eof"])
def test_a_plain_body_is_cut_in_half(upstream: Upstream, fault: str) -> None:
    with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError)):
        chat(upstream, f"fault:{fault}-mid-stream", read_s=0.5)
    assert upstream.calls[-1].events_sent == 1
    assert not upstream.calls[-1].finished


def test_missing_ends(upstream: Upstream) -> None:
    no_done = stream(upstream, "fault:no-done")
    assert b"[DONE]" not in no_done
    assert b'"finish_reason":"stop"' in no_done
    no_finish = stream(upstream, "fault:no-finish")
    assert b"[DONE]" in no_finish
    assert b'"finish_reason":"stop"' not in no_finish
    assert b"[DONE]" not in stream(upstream, "fault:no-done+no-finish")
    assert chat(upstream, "fault:no-finish").json()["choices"][0]["finish_reason"] is None


def test_garbage(upstream: Upstream) -> None:
    body = stream(upstream, "fault:garbage-sse")
    assert b"\n\ndata: {this is not json\n\n" in body
    for answer in (chat(upstream, "fault:garbage-json", stream=True), chat(upstream, "fault:garbage-sse")):
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_not_utf8(upstream: Upstream, streamed: bool) -> None:
    with pytest.raises(UnicodeDecodeError):
        chat(upstream, "fault:non-utf8", stream=streamed).content.decode()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_line_of_50_mb(upstream: Upstream, streamed: bool) -> None:
    lines = chat(upstream, "fault:huge-line", stream=streamed).content.split(b"\n")
    assert max(map(len, lines)) > 50_000_000


def test_an_error_event_ends_the_stream(upstream: Upstream) -> None:
    last = events(stream(upstream, "fault:error-event"))[-1]
    assert last["error"]["type"] == "server_error"
    assert chat(upstream, "fault:error-event").json()["error"]["type"] == "server_error"
