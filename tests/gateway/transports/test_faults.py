"""What each misbehaviour of an upstream is called, by both transports alike."""

import socket

import pytest

from gateway.transports import errors
from gateway.transports.base import Call, Transport
from tests.gateway.transports.conftest import KEY, Upstream, attempt, make_call

pytestmark = pytest.mark.asyncio

BEFORE_THE_ANSWER = {
    "status-400": errors.UpstreamBadRequest,
    "status-401": errors.UpstreamRefusedKey,
    "status-402": errors.UpstreamRefusedKey,
    "status-403": errors.UpstreamRefusedKey,
    "status-404": errors.UpstreamModelMissing,
    "status-408": errors.UpstreamTimeout,
    "status-409": errors.UpstreamBadRequest,
    "status-413": errors.UpstreamBadRequest,
    "status-422": errors.UpstreamBadRequest,
    "status-429": errors.UpstreamRateLimited,
    "status-500": errors.UpstreamServerError,
    "status-503": errors.UpstreamServerError,
    "status-529": errors.UpstreamServerError,
    "empty-account": errors.UpstreamRefusedKey,
    "redirect": errors.UpstreamBroken,
    "slow-first-byte:5": errors.UpstreamTimeout,
    "reset-before-first-byte": errors.UpstreamUnreachable,
    "close-before-first-byte": errors.UpstreamUnreachable,
}
IN_A_PLAIN_ANSWER = {
    "garbage-json": errors.UpstreamBroken,
    "non-utf8": errors.UpstreamBroken,
    "huge-line:0:70000000": errors.UpstreamBroken,
    "error-event": errors.UpstreamServerError,
    "reset-mid-stream": errors.UpstreamCut,
    "eof-mid-stream": errors.UpstreamCut,
    "half-close-mid-stream": errors.UpstreamCut,
    "stall-mid-stream": errors.UpstreamTimeout,
}
IN_A_STREAM = {
    "garbage-sse": errors.UpstreamBroken,
    "non-utf8": errors.UpstreamBroken,
    "huge-line": errors.UpstreamBroken,
    "error-event": errors.UpstreamServerError,
    "reset-mid-stream": errors.UpstreamCut,
    "eof-mid-stream": errors.UpstreamCut,
    "half-close-mid-stream": errors.UpstreamCut,
    "stall-mid-stream": errors.UpstreamCut,
    "stall-mid-stream:0": errors.UpstreamCut,
    "no-done": errors.UpstreamCut,
    "no-finish": errors.UpstreamCut,
    "endless": errors.UpstreamOverdue,
    "garbage-json": errors.UpstreamCut,
}
WAITS = ("slow", "stall", "endless")


def call_with(upstream: Upstream, fault: str, *, stream: bool) -> Call:
    if not fault.startswith(WAITS):
        return make_call(upstream.api_base, f"fault:{fault}", stream=stream)
    # Where a stream goes on, its beginning has to come in time; nothing but the deadline ends the others.
    goes_on = stream and not fault.startswith("slow")
    deadline_s = 2.5 if goes_on else 1.5
    return make_call(upstream.api_base, f"fault:{fault}", stream=stream, deadline_s=deadline_s, idle_timeout_s=0.3)


@pytest.mark.parametrize(("fault", "expected"), BEFORE_THE_ANSWER.items())
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_a_fault_before_the_answer_has_its_name(
    transport: Transport, upstream: Upstream, fault: str, expected: type[errors.UpstreamError], stream: bool
) -> None:
    with pytest.raises(errors.UpstreamError) as raised:
        await attempt(transport, call_with(upstream, fault, stream=stream))
    assert type(raised.value) is expected
    assert_safe(raised.value, upstream)
    assert len(upstream.server.calls) == 1


@pytest.mark.parametrize(("fault", "expected"), IN_A_PLAIN_ANSWER.items())
async def test_a_fault_in_a_plain_answer_has_its_name(
    transport: Transport, upstream: Upstream, fault: str, expected: type[errors.UpstreamError]
) -> None:
    with pytest.raises(errors.UpstreamError) as raised:
        await attempt(transport, call_with(upstream, fault, stream=False))
    assert type(raised.value) is expected
    assert_safe(raised.value, upstream)


@pytest.mark.parametrize(("fault", "expected"), IN_A_STREAM.items())
async def test_a_fault_in_a_stream_has_its_name(
    transport: Transport, upstream: Upstream, fault: str, expected: type[errors.UpstreamError]
) -> None:
    with pytest.raises(errors.UpstreamError) as raised:
        await attempt(transport, call_with(upstream, fault, stream=True))
    assert type(raised.value) is expected
    assert_safe(raised.value, upstream)


async def test_what_came_before_the_fault_is_delivered_first(transport: Transport, upstream: Upstream) -> None:
    stream = await transport.stream(make_call(upstream.api_base, "fault:reset-mid-stream:3", stream=True))
    assert await stream.read()
    with pytest.raises(errors.UpstreamCut):
        while await stream.read():
            pass
    with pytest.raises(errors.UpstreamCut):
        await stream.read()
    await stream.aclose()


async def test_retry_after_is_passed_on(transport: Transport, upstream: Upstream) -> None:
    with pytest.raises(errors.UpstreamRateLimited) as raised:
        await transport.complete(make_call(upstream.api_base, "fault:status-429:17"))
    assert (raised.value.retry_after, raised.value.status) == (17.0, 429)


async def test_a_bad_request_keeps_the_providers_reason_without_host_and_key(
    transport: Transport, upstream: Upstream
) -> None:
    with pytest.raises(errors.UpstreamBadRequest) as raised:
        await transport.complete(make_call(upstream.api_base, "fault:status-400"))
    assert raised.value.message == "Told to answer 400 at [hidden] to key [hidden]."
    assert not raised.value.fails_over


async def test_a_redirect_is_not_followed(transport: Transport, upstream: Upstream) -> None:
    with pytest.raises(errors.UpstreamBroken):
        await transport.complete(make_call(upstream.api_base, "fault:redirect"))
    assert upstream.server.calls.to("/stolen") == []


async def test_a_refused_connection_is_unreachable(transport: Transport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        call = make_call(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with pytest.raises(errors.UpstreamUnreachable):
            await transport.complete(call)


def assert_safe(error: errors.UpstreamError, upstream: Upstream) -> None:
    host = upstream.api_base.split("/")[2]
    for secret in (KEY, host, host.split(":")[0], "http://", "Traceback", "litellm"):
        assert secret not in f"{error} {error.args}"
