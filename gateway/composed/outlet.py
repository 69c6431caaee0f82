"""What a composition says on its way to a client that may read slowly, or leave."""

import asyncio

_PARTS = 16


class Outlet:
    """Parts of a stream, a few at most: who writes waits for who reads. Once closed, what is written is lost."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[bytes | None] = asyncio.Queue(_PARTS)
        self._is_closed = False

    async def put(self, part: bytes) -> None:
        if part:
            await self._put(part)

    async def end(self) -> None:
        await self._put(None)

    async def get(self) -> bytes | None:
        """None at the end."""
        return await self._parts.get()

    def close(self) -> None:
        """Nobody reads any more."""
        self._is_closed = True
        while not self._parts.empty():
            self._parts.get_nowait()

    async def _put(self, part: bytes | None) -> None:
        if not self._is_closed:
            await self._parts.put(part)
