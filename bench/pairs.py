"""Reserve and settle as fast as the ledger can, `python -m bench.pairs`: a process of its own, on DATABASE_URL.

Prints one JSON object a measurement, and ends with an error unless the books balance afterwards.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")

import django

django.setup()

import argparse  # noqa: E402 - like all that follows: models need the loaded apps
import asyncio  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from credits.ledger import book  # noqa: E402
from credits.ledger.connection import ledger_connection  # noqa: E402
from credits.ledger.moves import Capture, Closed, Held, Outcome, Reserve  # noqa: E402
from credits.services import grants, wallets  # noqa: E402
from credits.writer import LedgerWriter  # noqa: E402
from opscenter.core.ids import uuid7  # noqa: E402
from opscenter.core.models import User  # noqa: E402

COST_NANO = 1_000
IN_FLIGHT = 64
CONNECTIONS = 8


def funded_wallets(count: int) -> list[int]:
    """Ids of new wallets that no run can empty."""
    ids = []
    for n in range(count):
        wallet = wallets.wallet_of(User.objects.create_user(f"bench-{n}"))
        grants.grant(account=wallet, amount_nano=10**15, reason="for the bench", key=f"bench:{n}")
        ids.append(wallet.pk)
    return ids


def grouped(ids: list[int], duration_s: float) -> int:
    """Pairs done by IN_FLIGHT callers of one LedgerWriter, which commits together what waits together."""
    writer = LedgerWriter()
    writer.start()
    try:
        return asyncio.run(_call_writer(writer, ids, duration_s))
    finally:
        writer.stop()


def one_by_one(ids: list[int], duration_s: float) -> int:
    """Pairs done on one connection, each move in a transaction of its own."""
    return _in_threads(1, ids, duration_s)


def in_parallel(ids: list[int], duration_s: float) -> int:
    """The same on several connections at once."""
    return _in_threads(CONNECTIONS, ids, duration_s)


WAYS: dict[str, Callable[[list[int], float], int]] = {
    "group": grouped,
    "one-by-one": one_by_one,
    "parallel": in_parallel,
}


async def _call_writer(writer: LedgerWriter, ids: list[int], duration_s: float) -> int:
    deadline = time.perf_counter() + duration_s

    async def call() -> int:
        pairs = 0
        while time.perf_counter() < deadline:
            reserve = _reserve(ids)
            _expect(Held, await writer.reserve(reserve))
            _expect(Closed, await writer.close(_capture(reserve)))
            pairs += 1
        return pairs

    return sum(await asyncio.gather(*(call() for _ in range(IN_FLIGHT))))


def _in_threads(count: int, ids: list[int], duration_s: float) -> int:
    pairs: list[int] = []
    threads = [threading.Thread(target=_apply_alone, args=(ids, duration_s, pairs)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(pairs) < count:
        raise RuntimeError("A connection gave up: see the traceback above.")
    return sum(pairs)


def _apply_alone(ids: list[int], duration_s: float, pairs: list[int]) -> None:
    ledger_connection()
    deadline = time.perf_counter() + duration_s
    done = 0
    while time.perf_counter() < deadline:
        reserve = _reserve(ids)
        _expect(Held, *book.apply([reserve]))
        _expect(Closed, *book.apply([_capture(reserve)]))
        done += 1
    connection.close()
    pairs.append(done)


def _reserve(ids: list[int]) -> Reserve:
    return Reserve(uuid7(), random.choice(ids), None, 2 * COST_NANO, 2 * COST_NANO)


def _capture(reserve: Reserve) -> Capture:
    return Capture(reserve.hold_id, reserve.account_id, 1, COST_NANO, "provider", budgets=())


def _expect(kind: type[Outcome], outcome: Outcome) -> None:
    if not isinstance(outcome, kind):
        raise TypeError(f"The ledger answered {outcome!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the ledger by itself.")
    parser.add_argument("--duration-s", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wallets", type=int, nargs="+", default=[1, 200])
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    ids = funded_wallets(max(options.wallets))
    for _ in range(options.rounds):
        for count in options.wallets:
            for way, run in WAYS.items():
                started_s = time.perf_counter()
                pairs = run(ids[:count], options.duration_s)
                per_s = pairs / (time.perf_counter() - started_s)
                print(json.dumps({"wallets": count, "way": way, "per_s": per_s}), flush=True)
    call_command("check_ledger", stdout=sys.stderr)


if __name__ == "__main__":
    main()
