"""What the kernel knows about a server and its children: CPU time, memory, cores. Linux only."""

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.processes import processes

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KIB_PER_MIB = 1024


def tree(root: int) -> list[int]:
    """The pids of a process and of all that it started, and they."""
    children = defaultdict(list)
    for process in processes():
        children[process.parent].append(process.pid)
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def cpu_s(roots: Iterable[int]) -> float:
    """User and system time so far of their trees, ended children included; in steps of 10 ms a process."""
    return sum(_ticks(pid) for root in roots for pid in tree(root)) / _TICKS_PER_S


def rss_mib(root: int) -> float:
    """Resident memory of its tree."""
    return sum(_rss_kib(pid) for pid in tree(root)) / _KIB_PER_MIB


def pin(root: int, core: int) -> None:
    """Have every thread of its tree run on `core` alone; what they start from here on does too."""
    for pid in tree(root):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), {core})


def two_cores() -> tuple[int, int]:
    """One for the server that is measured, one for everything else. Raises SystemExit where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("The bench needs two cores: one for the server, one for the load and the model server.")
    return usable[-1], usable[0]


def _ticks(pid: int) -> int:
    with suppress(OSError):
        # pid (name, which may contain anything) state ...; utime, stime, cutime, cstime are fields 14 to 17.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15])
    return 0


def _rss_kib(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
