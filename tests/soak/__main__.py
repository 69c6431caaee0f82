"""`python -m tests.soak`: half an hour of mixed load, with workers, Redis and PostgreSQL that die and come back.

Afterwards nothing may be left: no open hold, no call in flight, no task, socket, thread or file more than before, no
memory that grew, and a ledger that the checker finds clean. Writes bench/SOAK.md; exits with 1 where something was
left.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import cast

from bench import machine
from tests import ROOT
from tests.e2e.world import World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer, create_database
from tests.redis_server import RedisServer
from tests.services import prepare
from tests.soak.crowd import Crowd, offer
from tests.soak.watch import Look, in_hand, look, tasks_of
from tests.upstream import running_upstream

RESULTS = ROOT / "bench" / "SOAK.md"
_CLIENTS = 10
_LOOK_EVERY_S = 5.0
_FAULTS_MOST_S = 60.0
_AWAY_S = 3.0
_PATIENCE_S = 120
_ENVIRONMENT = {"LEASE_S": "10", "HEARTBEAT_S": "0.5", "SWEEP_INTERVAL_S": "1", "RECORD_LOST_CALLS_INTERVAL_S": "2"}
# Of a worker that lived from the beginning to the end; LiteLLM, once it is used, takes its share early.
_GROWTH_MIB = 16.0
_MORE_FILES = 8
_MORE_TASKS = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="30 unless given")
    parser.add_argument("--output", type=Path, default=RESULTS, help="bench/SOAK.md unless given")
    options = parser.parse_args()
    about = machine.describe()
    with ExitStack() as stack:
        prepare("sqlite", lambda cleanup: cast(None, stack.callback(cleanup)))
        postgres, redis = PostgresServer(), RedisServer()
        for server in (postgres, redis):
            stack.callback(server.destroy)
            server.start()
        os.environ["REDIS_URL"] = redis.url()
        upstream = stack.enter_context(running_upstream())
        live = LiveServer(
            workers=2,
            environment=_ENVIRONMENT | {"REDIS_URL": redis.url()},
            database_url=create_database(postgres.url(), "soak"),
        )
        stack.enter_context(live)
        world = World(live)
        stack.callback(world.close)
        offer(world, upstream)
        live.start_worker()
        soak = Soak(world, postgres, redis, minutes=options.minutes)
        soak.run()
    options.output.write_text(soak.report(about))
    print(options.output.read_text())
    return int(bool(soak.left))


class Soak:
    """`left` says, in sentences, what a run left behind that it should not have."""

    def __init__(self, world: World, postgres: PostgresServer, redis: RedisServer, *, minutes: float) -> None:
        self._world, self._live, self._postgres, self._redis = world, world.live, postgres, redis
        self._minutes = minutes
        self._looks: list[Look] = []
        self._faults: list[str] = []
        self._eldest = 0
        self._quiet: tuple[Look | None, Look | None] = None, None
        self._tasks: tuple[int | None, int | None] = None, None
        self.left: list[str] = []
        self.seen: dict[str, int] = {}

    def run(self) -> None:
        with Crowd(self._world, clients=_CLIENTS) as warming_up:
            time.sleep(10)
        assert warming_up.seen["whole answers"] > 0, warming_up.seen
        self._settled()
        self._eldest = self._live.web_workers[0]
        before, tasks = look(self._eldest, at=0), tasks_of(self._live, self._eldest)
        with Crowd(self._world, clients=_CLIENTS) as crowd:
            self._go_on(self._minutes * 60)
        self._settled()
        self._quiet = before, look(self._eldest, at=self._minutes * 60)
        self._tasks = tasks, tasks_of(self._live, self._eldest)
        self.seen = dict(crowd.seen)
        self.left = list(self._left_behind())

    def _go_on(self, seconds: float) -> None:
        began = time.monotonic()
        every_s = min(_FAULTS_MOST_S, seconds / 6)
        faults = self._next_faults()
        fault_at = began + every_s
        while (now := time.monotonic()) < began + seconds:
            if now >= fault_at:
                self._faults.append(next(faults)())
                fault_at = time.monotonic() + every_s
            for pid in self._live.web_workers:
                if found := look(pid, at=now - began):
                    self._looks.append(found)
            time.sleep(_LOOK_EVERY_S)

    def _next_faults(self) -> Iterator[Callable[[], str]]:
        while True:
            yield from (self._kill_worker, self._kill_redis, self._freeze_redis, self._restart_postgres)

    def _kill_worker(self) -> str:
        """Never the eldest, whose memory is watched."""
        for pid in self._live.web_workers:
            if pid != self._eldest:
                self._live.kill_worker(pid)
        return "web worker killed"

    def _kill_redis(self) -> str:
        self._redis.kill()
        time.sleep(_AWAY_S)
        self._redis.start()
        return "Redis killed, empty after"

    def _freeze_redis(self) -> str:
        self._redis.freeze()
        time.sleep(_AWAY_S)
        self._redis.thaw()
        return "Redis frozen"

    def _restart_postgres(self) -> str:
        self._postgres.stop()
        time.sleep(_AWAY_S)
        self._postgres.start()
        return "PostgreSQL restarted"

    def _settled(self) -> None:
        """Everything that is still at work has ended, or never will."""
        done = lambda: in_hand(self._live) == 0 and self._world.open_holds() == 0  # noqa: E731 - said once
        eventually(done, _PATIENCE_S, what=lambda: self._live.log[-3000:])
        time.sleep(5)

    def _left_behind(self) -> Iterator[str]:
        for check in ("check_ledger", "check_usage"):
            try:
                self._live.manage(check)
            except AssertionError as found:
                yield f"{check} found: {found}"
        unrecorded = self._live.query(
            "SELECT COUNT(*) FROM credits_holds h WHERE NOT EXISTS (SELECT 1 FROM llm_requests r WHERE r.id = h.id)"
        )
        if unrecorded[0][0]:
            yield f"{unrecorded[0][0]} calls have no row."
        yield from self._more_than_before()
        yield from self._growth()

    def _more_than_before(self) -> Iterator[str]:
        before, after = self._quiet
        if before is None or after is None:
            yield "The eldest web worker did not live to the end."
            return
        for name in ("files", "sockets", "threads"):
            was, now = getattr(before, name), getattr(after, name)
            if now > was + _MORE_FILES:
                yield f"The eldest web worker has {now} {name}, and had {was}."
        had, has = self._tasks
        if had is None or has is None or has > had + _MORE_TASKS:
            yield f"The eldest web worker has {has} tasks, and had {had}."

    def _growth(self) -> Iterator[str]:
        quarter_s = self._minutes * 60 / 4
        second = [one.rss_mib for one in self._of_eldest() if quarter_s <= one.at < 2 * quarter_s]
        last = [one.rss_mib for one in self._of_eldest() if one.at >= 3 * quarter_s]
        if not second or not last:
            yield "Too short to tell whether memory grows."
        elif (growth := median(last) - median(second)) > _GROWTH_MIB:
            yield f"The eldest web worker grew by {growth:.1f} MiB from the second quarter to the last."

    def _of_eldest(self) -> list[Look]:
        return [one for one in self._looks if one.pid == self._eldest]

    def report(self, about: dict[str, str]) -> str:
        lines = [
            "# A soak",
            f"By `make soak`: {self._minutes:g} minutes of mixed load on two web workers, a Celery worker, PostgreSQL "
            "and Redis, with faults.",
            "\n".join(f"- {name}: {value}" for name, value in about.items()),
            "**" + ("Nothing was left behind." if not self.left else "Left behind: " + " ".join(self.left)) + "**",
            f"Faults, in turn: {len(self._faults)} ({', '.join(dict.fromkeys(self._faults)) or 'none'}).",
            "| what clients got | times |\n|---|---:|\n"
            + "\n".join(f"| {name} | {number} |" for name, number in sorted(self.seen.items())),
            self._of_the_eldest(),
        ]
        return "\n\n".join(lines) + "\n"

    def _of_the_eldest(self) -> str:
        before, after = self._quiet
        if before is None or after is None:
            return "No web worker lived from the beginning to the end."
        looks = self._of_eldest()
        memory = ", ".join(f"{one.rss_mib:.0f}" for one in looks[:: max(1, len(looks) // 12)])
        return (
            f"The eldest web worker, idle before and after: {before.files} and {after.files} open files, of them "
            f"{before.sockets} and {after.sockets} sockets; {before.threads} and {after.threads} threads; "
            f"{self._tasks[0]} and {self._tasks[1]} tasks of its event loop; "
            f"{before.rss_mib:.0f} and {after.rss_mib:.0f} MiB. In between, in MiB: {memory}."
        )


if __name__ == "__main__":
    sys.exit(main())
