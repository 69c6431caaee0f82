"""A move in the writer's queue, and the caller on some event loop who waits for its outcome."""

import asyncio
from typing import Any

from credits.errors import LedgerBroken, LedgerUnavailable
from credits.ledger.moves import Broken, Capture, Outcome, Reserve, Void


class Waiting:
    """Made and answered on the caller's loop; the writer's thread only looks."""

    __slots__ = ("future", "loop", "move")

    def __init__(self, move: Reserve | Capture | Void, future: "asyncio.Future[Any] | None") -> None:
        self.move = move
        self.future = future
        self.loop = future.get_loop() if future else None

    @property
    def is_pointless(self) -> bool:
        """A reserve that nobody waits for any more. Closes happen whoever waits."""
        return isinstance(self.move, Reserve) and self.future is not None and self.future.done()

    def answer(self, outcome: Outcome) -> bool:
        """Whether anybody heard it. On the caller's loop."""
        if self.future is None or self.future.done():
            return False
        if not isinstance(outcome, Broken):
            self.future.set_result(outcome)
        elif isinstance(outcome.error, LedgerUnavailable):
            self.future.set_exception(outcome.error)
        else:
            self.future.set_exception(LedgerBroken("The ledger refused this request."))
        return True


def give_up(future: "asyncio.Future[Any]") -> None:
    """The caller has waited long enough.

    Where its loop is late, an outcome may have come that the loop has not looked at: timers go first, so that goes on.
    """
    future.get_loop().call_soon(_fail, future)


def _fail(future: "asyncio.Future[Any]") -> None:
    if not future.done():
        future.set_exception(LedgerUnavailable())
