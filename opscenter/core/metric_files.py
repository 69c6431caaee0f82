"""Metrics that are right over several processes: each writes its values to mapped files of its own, a reader adds up.

A process is alive as long as it holds the lock on its file NAME.alive, which the kernel lets go of however it ends:
no pid is trusted, so containers may share the directory. What a dead process counted stays, its gauges don't.
"""

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

_ALIVE = ".alive"
_FOLDED = "folded"
_KINDS = ("counter", "histogram")
# Written out at start: a page of a mapped file that a full disk has no room for kills the process that touches it.
_RESERVED_BYTES = {"counter": 1 << 20, "histogram": 1 << 21}


class MetricFiles:
    """The files of one machine's processes in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: str | None = None

    def join(self, role: str) -> str:
        """Have every value made from now on in this process kept in files of its own; the name they go by.

        Once per process; called again, it answers the same. Where nobody else is alive what is left of former runs is
        forgotten; else the counts of the dead are added up in one file. Raises OSError.
        """
        if self._own:
            return self._own
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._locked(fcntl.LOCK_EX):
            dead = [name for name in self._names() if not self._is_alive(name)]
            if len(dead) == len(list(self._names())):
                self._forget_all()
            else:
                self._fold(dead)
            name = self._own = self._take_name(role)
        # Read by the library each time that a value is made.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._folder)
        values.ValueClass = values.MultiProcessValue(lambda: name)  # its documented use
        return name

    def collect(self) -> Iterable[Metric]:
        """Everything added up: counts of all, gauges of the living. The more values there are, the longer it takes."""
        if not self._folder.is_dir():
            return []
        with self._locked(fcntl.LOCK_SH):
            alive = {name for name in self._names() if self._is_alive(name)}
            files = [str(path) for path in self._folder.glob("*.db") if _counts(path) or _owner(path) in alive]
            merged: Iterable[Metric] = MultiProcessCollector.merge(files)
            return merged

    def _names(self) -> Iterator[str]:
        return (path.name.removesuffix(_ALIVE) for path in self._folder.glob(f"*{_ALIVE}"))

    def _is_alive(self, name: str) -> bool:
        try:
            with (self._folder / f"{name}{_ALIVE}").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            pass
        return False

    def _take_name(self, role: str) -> str:
        """The pid tells a reader most. Where containers share the folder it may be taken: a number comes after."""
        name, number = f"{role}-{os.getpid()}", 1
        while (self._folder / f"{name}{_ALIVE}").exists():
            number += 1
            name = f"{role}-{os.getpid()}-{number}"
        # A bare descriptor, which nothing closes before the process ends.
        descriptor = os.open(self._folder / f"{name}{_ALIVE}", os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for kind, size in _RESERVED_BYTES.items():
            _reserve(self._folder / f"{kind}_{name}.db", size)
        return name

    def _forget_all(self) -> None:
        for path in (*self._folder.glob("*.db"), *self._folder.glob(f"*{_ALIVE}")):
            path.unlink(missing_ok=True)

    def _fold(self, dead: list[str]) -> None:
        files = [path for path in self._folder.glob("*.db") if _owner(path) in dead]
        for kind in _KINDS:
            _add_up([path for path in files if path.name.startswith(f"{kind}_")], self._folder / f"{kind}_{_FOLDED}.db")
        for path in (*files, *(self._folder / f"{name}{_ALIVE}" for name in dead)):
            path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self._folder / "lock").open("ab") as file:
            fcntl.flock(file, how)
            yield


def _owner(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _counts(path: Path) -> bool:
    return path.name.startswith(_KINDS)


def _reserve(path: Path, size: int) -> None:
    with path.open("ab") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)


def _add_up(files: list[Path], total: Path) -> None:
    """Add the values of `files` to those of `total`, which is replaced in one step."""
    if not files:
        return
    sums: dict[str, float] = defaultdict(float)
    for path in (*files, *([total] if total.exists() else [])):
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
            sums[key] += value
    fresh = total.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    written = MmapedDict(str(fresh))
    for key, value in sums.items():
        written.write_value(key, value, 0.0)
    written.close()
    fresh.replace(total)
