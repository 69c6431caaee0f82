"""Child processes that end with their parent, and ports that are free."""

import ctypes
import errno
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def end_with_parent(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when its parent dies, even by SIGKILL. Does nothing but on Linux.

    `parent` is the parent's pid: where it died before this was called, the process ends now. A few system calls by a
    library that is loaded already: safe between fork and exec.
    """
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def start_again(environment: Mapping[str, str], *, after_s: float) -> NoReturn:
    """Go on as a fresh process of the same command, with the same pid, parent and output; no thread is left.

    `environment` is the one that this process was started with: what it has set for itself since doesn't count.
    """
    time.sleep(after_s)
    os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606 - this very command


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises OSError where `host` is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port(*, preferred: int) -> int:
    """`preferred` where it is free on loopback, else any other port that is."""
    if preferred <= 65535 and port_is_free("127.0.0.1", preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
