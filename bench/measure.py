"""One cell at a time: a load against one peer, and what that cost whom. Rounds go through all peers before the next."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import procfs
from bench.load import Load
from bench.servers import Peer
from tests import ROOT

# What a server still writes after its last answer belongs to the cell; at rest it costs next to nothing.
_TRAILING_S = 0.7
# The load generator gives up sooner.
_PATIENCE_S = 700


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    in_flight: int
    stream: bool
    paced: bool = False


CELLS = {
    cell.name: cell
    for cell in (
        Cell("plain-1", 1, stream=False),
        Cell("plain-32", 32, stream=False),
        Cell("stream-1", 1, stream=True),
        Cell("stream-32", 32, stream=True),
        Cell("paced-32", 32, stream=True, paced=True),
    )
}


@dataclass(frozen=True, slots=True)
class Sample:
    """`cpu_ms`: user and system time of the peer's processes per request. `other_core`: how busy that was, 0 to 1."""

    peer: str
    cell: str
    load: Load
    cpu_ms: float
    other_core: float

    @property
    def per_s(self) -> float:
        return self.load.requests / self.load.elapsed_s

    @property
    def per_core_s(self) -> float:
        """Requests per second of the server's own CPU time: what a core yields that nobody disturbs."""
        return 1000 / self.cpu_ms


class LoadFailed(Exception):
    """The load generator gave up, and said why."""


def rounds(
    peers: Sequence[Peer], cells: Sequence[Cell], helpers: Sequence[int], *, count: int, duration_s: float
) -> Iterator[Sample]:
    """Round by round and cell by cell, every peer in turn."""
    for _ in range(count):
        for cell in cells:
            for peer in peers:
                yield sample(peer, cell, helpers, duration_s=duration_s)


def sample(peer: Peer, cell: Cell, helpers: Sequence[int], *, duration_s: float) -> Sample:
    with loading(peer, cell, duration_s=duration_s) as load_process:
        others = [pid for pid in helpers if pid != peer.pid]
        cpu_s, others_cpu_s = procfs.cpu_s([peer.pid]), procfs.cpu_s(others)
        begin(load_process)
        load = finish(load_process)
        others_cpu_s = procfs.cpu_s(others) - others_cpu_s + load.generator_cpu_s
        time.sleep(_TRAILING_S)
        cpu_s = procfs.cpu_s([peer.pid]) - cpu_s
    return Sample(peer.name, cell.name, load, cpu_s * 1000 / load.requests, others_cpu_s / load.elapsed_s)


def ask(peer: Peer, cell: Cell, *, requests: int) -> Load:
    """So many requests, their cost aside. Raises LoadFailed."""
    with loading(peer, cell, requests=requests) as load_process:
        begin(load_process)
        return finish(load_process)


@contextlib.contextmanager
def loading(
    peer: Peer, cell: Cell, *, duration_s: float | None = None, requests: int | None = None
) -> "Iterator[subprocess.Popen[str]]":
    """A load generator that has warmed up and waits for `begin`; killed if it is left with an error."""
    options = {
        "--port": peer.port,
        "--key": peer.key,
        "--model": peer.model_for(paced=cell.paced),
        "--in-flight": cell.in_flight,
    }
    options |= {"--warm-up": max(cell.in_flight, 5)}
    options |= {"--requests": requests} if requests is not None else {"--duration-s": duration_s}
    command = [sys.executable, "-m", "bench.load", *(f"{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(
        [*command, "--stream"] if cell.stream else command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "warm":
            raise LoadFailed(f"{peer.name}, {cell.name}: {process.communicate()[1]}")
        yield process
    finally:
        process.kill()
        process.wait()


def begin(process: "subprocess.Popen[str]") -> None:
    """Have it start to measure."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def finish(process: "subprocess.Popen[str]") -> Load:
    """What it measured. Raises LoadFailed."""
    printed, complaint = process.communicate(timeout=_PATIENCE_S)
    if process.returncode:
        raise LoadFailed(complaint)
    return Load(**json.loads(printed))
