"""Runs several programs as one: restarts those that die, stops all of them together, leaves none behind."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType

from opscenter.processes import end_with_parent

log = logging.getLogger(__name__)

_POLL_S = 0.25
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Program:
    """`is_needed_to_start`: where it ends before everything is up, nothing is restarted and all of it stops."""

    name: str
    command: Sequence[str]
    is_needed_to_start: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. A program that lived for `settled_s` is restarted after `first_s` again; others wait twice as long
    each time. Those that don't end `stop_s` after the signal are killed."""

    first_s: float = 1
    most_s: float = 30
    settled_s: float = 60
    stop_s: float = 45


class Child:
    """One program's present process, the leader of a session of its own: a Ctrl-C reaches the supervisor alone."""

    def __init__(self, program: Program, patience: Patience) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0.0
        self._patience = patience
        self._delay_s = patience.first_s
        self._started_at = 0.0

    def start(self) -> None:
        self._started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.program.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=partial(end_with_parent, os.getpid()),  # noqa: PLW1509 - this process has no other threads
        )

    def ended(self) -> int | None:
        """The exit code, once: whatever the process left of its session is killed."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self._signal(signal.SIGKILL)
        self.process = None
        return code

    def plan_restart(self) -> float:
        """Seconds until the next start."""
        if time.monotonic() - self._started_at >= self._patience.settled_s:
            self._delay_s = self._patience.first_s
        delay_s, self._delay_s = self._delay_s, min(self._patience.most_s, 2 * self._delay_s)
        self.restart_at = time.monotonic() + delay_s
        return delay_s

    def restart_if_due(self) -> None:
        if self.process is None and time.monotonic() >= self.restart_at:
            self.start()

    def terminate(self) -> None:
        """The leader stops the rest of its session by itself."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self.process is not None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


class Supervisor:
    """Use `run` once, from the main thread: it takes SIGINT, SIGTERM and SIGHUP over while it lasts."""

    def __init__(self, programs: Iterable[Program], *, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._children = [Child(program, self._patience) for program in programs]
        # Its put() is reentrant, and so allowed in a signal handler.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._is_up = False

    def run(self, *, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> int:
        """The exit code: 0 after a signal, 1 where a needed program ended before `is_ready()`."""
        former = {number: signal.signal(number, self._note) for number in _STOPPING}
        try:
            for child in self._children:
                child.start()
            return self._watch(is_ready, on_ready)
        finally:
            self._stop_all()
            for number, handler in former.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals.put(number)

    def _watch(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> int:
        while not self._signalled(_POLL_S):
            for child in self._children:
                code = child.ended()
                if code is not None and not self._accept_end(child, code):
                    return 1
                child.restart_if_due()
            if not self._is_up and is_ready():
                self._is_up = True
                on_ready()
        return 0

    def _signalled(self, timeout_s: float) -> bool:
        try:
            self._signals.get(timeout=timeout_s)
        except Empty:
            return False
        return True

    def _accept_end(self, child: Child, code: int) -> bool:
        name = child.program.name
        if child.program.is_needed_to_start and not self._is_up:
            log.error("%s could not start (exit code %d); the lines above say why", name, code)
            return False
        log.warning("%s ended with code %d; it starts again in %.0f s", name, code, child.plan_restart())
        return True

    def _stop_all(self) -> None:
        """A second signal, or the end of patience, kills what is left."""
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + self._patience.stop_s
        while any(child.process is not None for child in self._children):
            if self._signalled(_POLL_S / 5) or time.monotonic() > deadline:
                for child in self._children:
                    child.kill()
            for child in self._children:
                child.ended()
