"""The key that encrypts is replaced under load, by a command that is killed time and again: no secret is unreadable."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.fernet import Fernet

from tests import ROOT
from tests.e2e.world import World
from tests.furnished import furnished
from tests.live import LiveServer
from tests.proofs.figures import Figures
from tests.proofs.load import Kind, Load
from tests.proofs.sealed_rows import FACTORS
from tests.upstream import Upstream

pytestmark = pytest.mark.once

BATCH = 5
CLIENTS = 3
COMMAND = (sys.executable, "manage.py", "rotate_encryption_key", f"--batch-size={BATCH}")
ROWS = (sys.executable, "-m", "tests.proofs.sealed_rows")
KINDS = (Kind("steady", True), Kind("turned", False))


@pytest.fixture
def rings() -> tuple[str, str, str]:
    """(the former alone, both with the new one in front, the new one alone)."""
    former, new = furnished().ring, Fernet.generate_key().decode()
    return former, f"{new},{former}", new


@pytest.fixture
def world(running_upstream_server: Upstream, rings: tuple[str, str, str], whole: bool) -> Iterator[World]:
    bases = json.dumps({"openai": running_upstream_server.base_url})
    environment = {"BYOK_ENCRYPTION_KEY": rings[1], "PROVIDER_API_BASES": bases}
    with LiveServer(workers=2 if whole else 1, environment=environment) as live:
        world = World(live)
        yield world
        world.close()


@pytest.mark.proof(12, "The encryption key replaced under load, by a command that is killed (SIGKILL) and made again")
def test_every_secret_stays_readable_while_the_ring_is_rotated(
    world: World, rings: tuple[str, str, str], upstream: Upstream, figures: Figures
) -> None:
    count, kills = figures.times(reduced=60, whole=10_000), figures.times(reduced=1, whole=20)
    run(world, [*ROWS, "fill", str(count)], ring=rings[0])
    offered = Offered(world, upstream)
    if figures.whole:
        before = run(world, [*COMMAND, "--check"], ring=rings[2], code=1)
        figures.saw_without_the_guard("with the new key alone, before", before.strip())
    calling = Load(world.live.url, world.key, KINDS, CLIENTS, pause_s=figures.pause_s)
    with reading(world) as seen, calling as load:
        done, chance = [], figures.chance
        for _ in range(kills):
            done.append(kill_after(world, chance.randint(1, count // (kills + 2))))
            offered.turn()
        finished = run(world, list(COMMAND))
    answered = [told for told in load.told if told.whole]

    assert finished.splitlines()[-2].startswith("0 of ")
    assert seen["failed"] == []
    assert len(answered) == len(load.told) > 0
    assert {call.headers["authorization"] for call in upstream.calls} == offered.keys
    world.live.stop()
    world.live.environment["BYOK_ENCRYPTION_KEY"] = rings[2]
    world.live.start()
    with reading(world) as alone:
        assert world.chat("steady").status_code == world.chat("turned").status_code == 200
    assert alone["failed"] == []
    assert {version["decrypts"] for version in offered.versions()} == {True}
    world.books_balance()
    figures.saw("secrets", count + FACTORS)
    figures.saw("runs killed in the middle of it", kills)
    figures.saw("re-encrypted by each before it was killed", ", ".join(map(str, done)))
    figures.saw("what was left for the last run", finished.splitlines()[0])
    figures.saw("secrets read meanwhile, by a process with both keys", seen["read"])
    figures.saw("of them unreadable or wrong", len(seen["failed"]))
    figures.saw("calls meanwhile, each answered whole", len(answered))
    figures.saw("provider keys rotated meanwhile", kills)
    figures.saw("secrets under the former key at the end", 0)
    figures.saw("read with the new key alone, unreadable or wrong", f"{alone['read']:,}, {len(alone['failed'])}")


class Offered:
    """A model on a server with a key of its own, and one on a provider key, which is rotated by `turn`. `keys` are all
    that a call may carry.
    """

    def __init__(self, world: World, upstream: Upstream) -> None:
        self.keys: set[str] = set()
        self._world = world
        made = {"name": "upstream", "server_type": "openai-compatible", "base_url": upstream.base_url}
        server = world.manage("POST", "servers", {**made, "api_key": self._new()})
        world.offer("steady", [{"server": server["id"], "model": "plain"}])
        key = {"provider": "openai", "key_name": "turned", "api_key": self._new()}
        self.key_id = world.manage("POST", "api-keys", key)["id"]
        deployment = {"provider_type": "api_key", "provider_id": self.key_id, "upstream_model": "plain"}
        world.manage("POST", "models", {"name": "turned", "input_price": "2.00", "deployments": [deployment]})
        world.wait_for_all_workers("steady", "turned")

    def turn(self) -> None:
        self._world.manage("POST", f"api-keys/{self.key_id}/rotate", {"api_key": self._new()})

    def versions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._world.manage("GET", f"api-keys/{self.key_id}/versions?page_size=200")[
            "results"
        ]
        return found

    def _new(self) -> str:
        key = secrets.token_hex(16)
        self.keys.add(f"Bearer {key}")
        return key


def kill_after(world: World, count: int) -> int:
    """Start the command and kill it once it has re-encrypted `count`; how many it says that it did."""
    with started(world, list(COMMAND)) as process:
        for line in process.stdout:
            done = int(line.split(", ")[1].split()[0]) if "looked at" in line else 0
            if done >= count:
                process.kill()
                return done
    raise AssertionError(f"It ended by itself, before it had re-encrypted {count}.")


@contextmanager
def reading(world: World) -> Iterator[dict[str, Any]]:
    """Everything is read, at least once and until the block ends; what was seen is there afterwards."""
    seen: dict[str, Any] = {}
    with started(world, [*ROWS, "read"]) as process:
        process.stdout.readline()
        yield seen
        process.stdin.close()
        seen |= json.loads(process.stdout.read().splitlines()[-1])


@contextmanager
def started(world: World, command: list[str], ring: str = "") -> Iterator[Any]:
    ring = ring or world.live.environment["BYOK_ENCRYPTION_KEY"]
    environment = {
        **world.live.environment,
        "BYOK_ENCRYPTION_KEY": ring,
        "DJANGO_SETTINGS_MODULE": "opscenter.settings",
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def run(world: World, command: list[str], *, ring: str = "", code: int = 0) -> str:
    with started(world, command, ring) as process:
        said, _ = process.communicate()
    assert process.returncode == code, said
    return str(said)
