"""Whose claim comes next: a few of each virtual key at a time, so that who sends very many keeps nobody waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_AT_A_TIME = 4


class Turns:
    """One per process, used on its event loop. A key that nobody waits for takes no room."""

    def __init__(self) -> None:
        self._by_key: dict[int, asyncio.Semaphore] = {}
        self._wanted: dict[int, int] = {}

    @asynccontextmanager
    async def of(self, key_id: int) -> AsyncIterator[None]:
        turn = self._by_key.setdefault(key_id, asyncio.Semaphore(_AT_A_TIME))
        self._wanted[key_id] = self._wanted.get(key_id, 0) + 1
        try:
            async with turn:
                yield
        finally:
            self._wanted[key_id] -= 1
            if not self._wanted[key_id]:
                del self._wanted[key_id], self._by_key[key_id]

    @property
    def keys(self) -> int:
        """Of how many keys claims are under way."""
        return len(self._by_key)
