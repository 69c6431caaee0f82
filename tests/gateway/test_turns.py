"""Claims to Idempotency-Keys, when very many come at once."""

import asyncio

from gateway.once.turns import Turns


def test_who_sends_very_many_idempotency_keys_keeps_nobody_else_waiting() -> None:
    async def entered(turns: Turns, key_id: int, began: list[int], end: asyncio.Event) -> None:
        async with turns.of(key_id):
            began.append(key_id)
            await end.wait()

    async def crowded() -> tuple[list[int], list[int], int]:
        turns, began, end = Turns(), list[int](), asyncio.Event()
        async with asyncio.TaskGroup() as calls:
            for key_id in (*[1] * 20, 2):
                calls.create_task(entered(turns, key_id, began, end))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            at_first = list(began)
            end.set()
        return at_first, began, turns.keys

    at_first, began, left = asyncio.run(crowded())

    assert (at_first.count(1), at_first.count(2)) == (4, 1)
    assert (began.count(1), began.count(2), left) == (20, 1, 0)
