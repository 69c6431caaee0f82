"""A reader may be cancelled, and another come back for the rest: nothing is lost, nothing looks complete too early."""

import asyncio

import pytest

from gateway.transports.base import Transport, UpstreamStream
from gateway.transports.chunk import Chunk
from gateway.transports.errors import UpstreamCut, UpstreamUnread
from tests.eventually import eventually_async
from tests.gateway.transports.conftest import Upstream, make_call, read_all, text_of, usage_of

pytestmark = pytest.mark.asyncio


async def read_until_cancelled(stream: UpstreamStream, upstream: Upstream) -> list[Chunk]:
    """Reads what comes before the gate, and is cancelled while it waits for what comes after."""
    chunks: list[Chunk] = []

    async def read() -> None:
        while True:
            chunks.extend(await stream.read())

    reader = asyncio.create_task(read())
    await eventually_async(lambda: text_of(chunks).split() == ["word0", "word1"])
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    return chunks


async def test_a_cancelled_read_loses_nothing(transport: Transport, upstream: Upstream) -> None:
    call = make_call(upstream.api_base, "fault:chunks:20+gate:3+usage:5:20", stream=True)
    stream = await transport.stream(call)
    chunks = await read_until_cancelled(stream, upstream)
    upstream.server.gate.set()
    chunks += await read_all(stream)
    assert text_of(chunks).split() == [f"word{i}" for i in range(20)]
    assert usage_of(chunks)["completion_tokens"] == 20


async def test_a_stream_that_is_cut_after_a_cancelled_read_is_still_cut(
    transport: Transport, upstream: Upstream
) -> None:
    call = make_call(upstream.api_base, "fault:chunks:20+gate:3+eof-mid-stream:5", stream=True)
    stream = await transport.stream(call)
    await read_until_cancelled(stream, upstream)
    upstream.server.gate.set()
    with pytest.raises(UpstreamCut):
        await read_all(stream)


async def test_a_closed_stream_hangs_up_on_the_upstream(transport: Transport, upstream: Upstream) -> None:
    stream = await transport.stream(make_call(upstream.api_base, "fault:endless", stream=True))
    await stream.read()
    await stream.aclose()
    await stream.aclose()
    await eventually_async(lambda: not upstream.server.calls.in_flight)
    assert upstream.server.calls[0].client_gone


async def test_an_answer_that_nobody_reads_on_in_time_is_the_readers_fault(
    transport: Transport, upstream: Upstream
) -> None:
    call = make_call(upstream.api_base, "fault:chunks:20+gate:3", stream=True, deadline_s=2.0)
    stream = await transport.stream(call)
    await stream.read()
    late = asyncio.Event()
    asyncio.get_running_loop().call_at(call.deadline + 0.1, late.set)
    await late.wait()

    with pytest.raises(UpstreamUnread):
        await read_all(stream)
