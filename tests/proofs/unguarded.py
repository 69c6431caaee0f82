"""The product with one of its guards taken away, for negative controls: `python -m tests.proofs.unguarded GUARD serve`.

In this very process, so with one web worker. Nothing but the guard is different.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

from django.core.management import execute_from_command_line


def hold_before_call() -> None:
    """A reserve that the ledger couldn't take counts as made: the gateway fails open."""
    from credits.errors import LedgerUnavailable
    from credits.ledger.moves import Held, Refused, Reserve
    from credits.writer import LedgerWriter

    reserve = LedgerWriter.reserve

    async def open_handed(writer: LedgerWriter, move: Reserve) -> Held | Refused:
        try:
            return await reserve(writer, move)
        except LedgerUnavailable:
            return Held(move.hold_id, move.amount, 1)

    setattr(LedgerWriter, "reserve", open_handed)  # noqa: B010 - mypy forbids the plain way


def repeated_settle() -> None:
    """A settle that the database missed is not tried again."""
    from credits.ledger.moves import Reserve
    from credits.writer import LedgerWriter

    away = LedgerWriter._database_is_away

    def forgetful(writer: LedgerWriter, items: list[Any], error: Exception) -> None:
        away(writer, [item for item in items if isinstance(item.move, Reserve)], error)

    setattr(LedgerWriter, "_database_is_away", forgetful)  # noqa: B010 - see above


def calls_without_redis() -> None:
    """Each call asks Redis first, patiently, as if credits or an unbounded limit lay there."""
    from django.conf import settings
    from redis.asyncio import Redis

    from credits.ledger.moves import Held, Refused, Reserve
    from credits.writer import LedgerWriter

    reserve = LedgerWriter.reserve

    async def dependent(writer: LedgerWriter, move: Reserve) -> Held | Refused:
        async with Redis.from_url(settings.REDIS_URL) as redis:
            await redis.incr("calls")
        return await reserve(writer, move)

    setattr(LedgerWriter, "reserve", dependent)  # noqa: B010 - see above


def share_without_redis() -> None:
    """Without Redis nobody counts: limits fail open."""
    from gateway.limits.claims import Outcome, State, Take
    from gateway.limits.limiter import Lease, Limiter

    def unlimited(limiter: Limiter, take: Take) -> Lease:
        outcome = Outcome(-1, 0, max(claim.most for claim in take.claims), (State(1, 0, 0),) * len(take.claims))
        return limiter._keep(Lease(take, outcome, outcome, is_shared=False))

    setattr(Limiter, "_take_here", unlimited)  # noqa: B010 - see above


GUARDS: dict[str, Callable[[], None]] = {
    "hold-before-call": hold_before_call,
    "repeated-settle": repeated_settle,
    "calls-without-redis": calls_without_redis,
    "share-without-redis": share_without_redis,
}


def without(guard: str) -> tuple[str, ...]:
    """The command that serves without `guard`."""
    assert guard in GUARDS
    return (sys.executable, "-m", "tests.proofs.unguarded", guard, "serve")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")
    import django

    django.setup()
    GUARDS[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
