"""Who writes to a client waits for who reads, and for nobody once there is no reader."""

import asyncio

import pytest

from gateway.composed.outlet import Outlet

pytestmark = pytest.mark.once


async def _write(outlet: Outlet, parts: int) -> None:
    for number in range(parts):
        await outlet.put(b"%d" % number)
    await outlet.end()


async def _turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def _slowly() -> list[bytes]:
    outlet = Outlet()
    writing = asyncio.ensure_future(_write(outlet, 100))
    await _turns()
    assert not writing.done()
    read = []
    while (part := await outlet.get()) is not None:
        read.append(part)
    await writing
    return read


async def _left() -> None:
    outlet = Outlet()
    writing = asyncio.ensure_future(_write(outlet, 100))
    await _turns()
    outlet.close()
    async with asyncio.timeout(30):
        await writing


def test_a_slow_reader_gets_all_of_it_in_order() -> None:
    assert asyncio.run(_slowly()) == [b"%d" % number for number in range(100)]


def test_a_reader_that_left_holds_nobody_up() -> None:
    asyncio.run(_left())
