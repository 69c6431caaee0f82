"""What the test upstream says: usage right and wrong, long and endless streams, other endpoints, its controls."""

import threading

import httpx
import pytest

from tests.eventually import eventually
from tests.upstream import Upstream, upstream_process
from tests.upstream.client import QUESTION, chat, events, raw_stream, read_all, read_until, said, stream


def test_missing_usage(upstream: Upstream) -> None:
    assert "usage" not in chat(upstream, "fault:no-usage").json()
    asked = stream(upstream, "fault:no-usage", stream_options={"include_usage": True})
    assert not any(event["usage"] for event in events(asked))
    assert [call.usage for call in upstream.calls] == [None, None]


@pytest.mark.parametrize("kind", ["negative", "strings", "huge", "empty", "list"])
def test_wrong_usage(upstream: Upstream, kind: str) -> None:
    wrong = chat(upstream, f"fault:wrong-usage:{kind}").json()["usage"]
    streamed = stream(upstream, f"fault:wrong-usage:{kind}", stream_options={"include_usage": True})
    assert events(streamed)[-1]["usage"] == wrong == upstream.calls[-1].usage
    right = chat(upstream, "m").json()["usage"]
    assert wrong != right


def test_usage_as_told(upstream: Upstream) -> None:
    usage = chat(upstream, "fault:usage:1000:500+cached:300").json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (1000, 500, 1500)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 300}


def test_usage_on_each_chunk(upstream: Upstream) -> None:
    assert all(event["usage"]["total_tokens"] for event in events(stream(upstream, "fault:usage-on-each-chunk")))


def test_an_endless_stream_goes_on_until_its_caller_leaves(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:endless:0") as connection:
        read_until(connection, b"more300")
        assert upstream.calls.in_flight
    assert eventually(lambda: upstream.calls[-1].client_gone)
    assert not upstream.calls.in_flight


def test_a_stream_of_so_many_chunks(upstream: Upstream) -> None:
    assert said(stream(upstream, "fault:chunks:200:0.0001")).split() == [f"word{i}" for i in range(200)]


def test_max_tokens_are_kept_to_unless_told_to_ignore_them(upstream: Upstream) -> None:
    assert said(stream(upstream, "fault:chunks:9", max_tokens=2)) == "word0 word1"
    assert len(said(stream(upstream, "fault:chunks:9+ignore-max-tokens", max_tokens=2)).split()) == 9


def test_a_gate_waits_until_released(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:gate:2") as connection:
        read_until(connection, b'"This"')
        assert upstream.calls[-1].events_sent == 2
        upstream.release()
        read_until(connection, b"[DONE]")


def test_several_faults_strike_in_turn(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:gate:2+reset-mid-stream:2") as connection:
        read_until(connection, b'"This"')
        upstream.release()
        with pytest.raises(ConnectionResetError):
            read_all(connection)


def test_tool_calls_plain_and_in_pieces(upstream: Upstream) -> None:
    whole = chat(upstream, "fault:tool-calls").json()["choices"][0]
    assert whole["finish_reason"] == "tool_calls"
    deltas = [event["choices"][0]["delta"] for event in events(stream(upstream, "fault:tool-calls"))]
    pieces = [call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", [])]
    assert len(pieces) == 3
    assert "".join(pieces) == whole["message"]["tool_calls"][0]["function"]["arguments"]


def test_reasoning_comes_before_the_answer(upstream: Upstream) -> None:
    first = events(stream(upstream, "fault:reasoning"))[0]["choices"][0]["delta"]
    assert first == {"reasoning_content": " Let me"}
    assert chat(upstream, "fault:reasoning").json()["choices"][0]["message"]["reasoning_content"]


def test_other_spellings_of_a_stream_say_the_same(upstream: Upstream) -> None:
    expected = said(stream(upstream, "m"))
    for spelling in ("crlf", "comments", "fragmented"):
        assert said(stream(upstream, f"fault:{spelling}")) == expected
    assert b"\r\n\r\n" in stream(upstream, "fault:crlf")
    assert b": keep-alive\n\n" in stream(upstream, "fault:comments")


def test_behaviour_by_model_and_by_path_takes_turns(upstream: Upstream) -> None:
    upstream.behave("m", "status-500", "ok")
    assert [chat(upstream, "m").status_code for _ in range(3)] == [500, 200, 200]
    upstream.behave("/v1/models", "status-401")
    assert httpx.get(f"{upstream.base_url}/models").status_code == 401
    upstream.reset()
    assert httpx.get(f"{upstream.base_url}/models").json()["data"]


def test_a_misspelt_fault_is_not_mistaken_for_a_fault(upstream: Upstream) -> None:
    assert chat(upstream, "fault:statsu-500").status_code == 501
    with pytest.raises(ValueError, match="statsu"):
        upstream.behave("m", "statsu-500")


def test_reset_forgets_calls_and_hangs_up(upstream: Upstream) -> None:
    with raw_stream(upstream, "fault:stall-mid-stream") as connection:
        read_until(connection, b"This")
        upstream.reset()
        with pytest.raises(ConnectionResetError):
            read_all(connection)
    assert upstream.calls == []


def test_many_callers_at_once_are_all_logged(upstream: Upstream) -> None:
    threads = [threading.Thread(target=chat, args=(upstream, f"m{i}")) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {call.model for call in upstream.calls} == {f"m{i}" for i in range(20)}
    assert [call.number for call in upstream.calls] == sorted(call.number for call in upstream.calls)


def test_embeddings_are_the_same_for_the_same_text(upstream: Upstream) -> None:
    body = {"model": "e", "input": ["a b", "c", "a b"]}
    answer = httpx.post(f"{upstream.base_url}/embeddings", json=body).json()
    first, second, third = (row["embedding"] for row in answer["data"])
    assert first == third != second
    assert answer["usage"] == {"prompt_tokens": 5, "total_tokens": 5}


def test_more_dimensions_than_any_model_has_are_refused(upstream: Upstream) -> None:
    refused = httpx.post(f"{upstream.base_url}/embeddings", json={"model": "e", "input": "a", "dimensions": 10**9})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "dimensions")


def test_rerank_puts_the_matching_document_first(upstream: Upstream) -> None:
    body = {"model": "r", "query": "red fox", "documents": ["a dog", "the red fox", "a fox"], "top_n": 2}
    results = httpx.post(f"{upstream.base_url}/rerank", json=body).json()["results"]
    assert [result["index"] for result in results] == [1, 2]


@pytest.mark.parametrize("path", ["responses", "messages"])
def test_other_dialects_answer_plain_and_streamed(upstream: Upstream, path: str) -> None:
    body = {"model": "d", "input": "hello", "messages": [QUESTION], "max_tokens": 100}
    plain = httpx.post(f"{upstream.base_url}/{path}", json=body).json()
    assert plain["usage"]["output_tokens"] > 0
    streamed = httpx.post(f"{upstream.base_url}/{path}", json=body | {"stream": True})
    types = [event["type"] for event in events(streamed.content)]
    assert (types[0], types[-1]) in [
        ("response.created", "response.completed"),
        ("message_start", "message_stop"),
    ]


def test_as_a_process_it_can_be_told_asked_and_killed() -> None:
    with upstream_process() as process:
        process.behave("m", "status-500")
        assert chat(process, "m").status_code == 500
        assert [(call["model"], call["status"]) for call in process.calls] == [("m", 500)]
        process.reset()
        assert process.calls == []
        assert chat(process, "m").status_code == 200
        process.kill()
        with pytest.raises(httpx.ConnectError):
            chat(process, "m")
