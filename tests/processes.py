"""What tests need to start other processes, to look at them, and to leave none behind."""

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

STOP_TIMEOUT_S = 20
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Process(NamedTuple):
    """A running process, as /proc knows it; zombies are not listed."""

    pid: int
    parent: int
    session: int
    command: str


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """A preexec_fn: the child gets this signal when its parent dies, even by SIGKILL. Linux only, else nothing.

    To Linux the parent is the thread that starts it: use one that lasts. Safe in spite of threads: it is one
    system call, by a library loaded before the fork, and takes no lock.
    """

    def arrange() -> None:
        if hasattr(_libc, "prctl"):
            _libc.prctl(PR_SET_PDEATHSIG, int(number))

    return arrange


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes(is_wanted: Callable[["Process"], bool] = lambda process: True) -> Iterator[Process]:
    """Those that are wanted, by everything but their command, which is read of no other."""
    for folder in Path("/proc").glob("[0-9]*"):
        # It may end while it is read.
        with suppress(OSError):
            # pid (name, which may contain anything) state ppid pgrp session ...
            state, parent, _, session, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            process = Process(int(folder.name), int(parent), int(session), "")
            if state != "Z" and is_wanted(process):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield process._replace(command=command)


def children_of(pid: int) -> list[Process]:
    return list(processes(lambda process: process.parent == pid))


def in_session_of(pid: int) -> list[Process]:
    """Everything that a process started with start_new_session has left running, itself included."""
    return list(processes(lambda process: process.session == pid))


def ports_connected_to(pid: int) -> set[int]:
    """The other ends of a process's TCP connections: so a client knows which process it is served by. Linux only."""
    sockets = {link for fd in Path(f"/proc/{pid}/fd").glob("*") if (link := _link(fd)).startswith("socket:")}
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        # number local remote state queues timer retransmits uid timeout inode ...
        fields = line.split()
        if f"socket:[{fields[9]}]" in sockets:
            ports.add(int(fields[2].rpartition(":")[2], 16))
    return ports


def _link(path: Path) -> str:
    with suppress(OSError):
        return str(path.readlink())
    return ""


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def stop(process: "subprocess.Popen[bytes]", number: signal.Signals, *, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Signals it, then waits; one that doesn't listen is killed."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
