"""Several programs as one, with programs so small that the test can see each of their lives."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from opscenter.supervisor import Patience, Program, Supervisor
from tests.eventually import eventually
from tests.processes import kill

QUICK = Patience(first_s=0.05, most_s=0.1, settled_s=60, stop_s=20)


def python(source: str, *arguments: object) -> list[str]:
    return [sys.executable, "-S", "-c", textwrap.dedent(source), *map(str, arguments)]


def noting(folder: Path, then: str) -> list[str]:
    """A program that leaves a file named by its pid, then does what it is told."""
    source = f"""
        import os, pathlib, signal, subprocess, sys, time
        note = lambda pid: pathlib.Path(sys.argv[1], str(pid)).touch()
        {then}
    """
    return python(source, folder)


def lives(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir()]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def signal_self(*numbers: signal.Signals) -> Callable[[], None]:
    def send() -> None:
        for number in numbers:
            os.kill(os.getpid(), number)

    return send


SLEEPS = "note(os.getpid()); time.sleep(600)"
DIES = "note(os.getpid()); sys.exit(3)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); note(os.getpid()); time.sleep(600)"
LEAVES_A_CHILD = "note(subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)']).pid)"


def test_a_program_that_dies_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor([Program("worker", noting(tmp_path, DIES))], patience=QUICK)
    code = supervisor.run(is_ready=lambda: len(lives(tmp_path)) >= 3, on_ready=signal_self(signal.SIGTERM))
    assert code == 0


def test_a_signal_ends_all_programs(tmp_path: Path) -> None:
    programs = [Program(name, noting(tmp_path, SLEEPS)) for name in ("web", "worker")]
    code = Supervisor(programs, patience=QUICK).run(
        is_ready=lambda: len(lives(tmp_path)) == 2, on_ready=signal_self(signal.SIGINT)
    )
    assert code == 0
    assert not any(map(is_alive, lives(tmp_path)))


def test_a_second_signal_kills_what_does_not_listen(tmp_path: Path) -> None:
    supervisor = Supervisor([Program("web", noting(tmp_path, DEAF))], patience=Patience(stop_s=600))
    supervisor.run(is_ready=lambda: len(lives(tmp_path)) == 1, on_ready=signal_self(signal.SIGINT, signal.SIGINT))
    assert not any(map(is_alive, lives(tmp_path)))


def test_patience_with_what_does_not_listen_ends(tmp_path: Path) -> None:
    supervisor = Supervisor([Program("web", noting(tmp_path, DEAF))], patience=Patience(stop_s=0.1))
    supervisor.run(is_ready=lambda: len(lives(tmp_path)) == 1, on_ready=signal_self(signal.SIGTERM))
    assert not any(map(is_alive, lives(tmp_path)))


def test_what_a_dead_program_left_behind_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor([Program("worker", noting(tmp_path, LEAVES_A_CHILD))], patience=QUICK)
    supervisor.run(is_ready=lambda: len(lives(tmp_path)) >= 2, on_ready=signal_self(signal.SIGTERM))
    eventually(lambda: not any(map(is_alive, lives(tmp_path))))


def test_a_needed_program_that_cannot_start_ends_everything_with_a_failure(tmp_path: Path) -> None:
    programs = [
        Program("web", python("import sys; sys.exit(3)"), is_needed_to_start=True),
        Program("worker", noting(tmp_path, SLEEPS)),
    ]
    ready: list[bool] = []
    code = Supervisor(programs, patience=QUICK).run(is_ready=lambda: False, on_ready=lambda: ready.append(True))
    assert code == 1
    assert not ready
    assert not any(map(is_alive, lives(tmp_path)))


def test_a_needed_program_that_dies_later_is_started_again(tmp_path: Path) -> None:
    program = Program("web", noting(tmp_path, SLEEPS), is_needed_to_start=True)
    killed: list[int] = []

    def kill_the_first() -> None:
        killed.extend(lives(tmp_path))
        kill(killed[0])

    class Stopping(Supervisor):
        """Ends itself once the second life is seen."""

        def _signalled(self, timeout_s: float) -> bool:
            return len(lives(tmp_path)) > 1 or super()._signalled(timeout_s)

    assert Stopping([program], patience=QUICK).run(is_ready=lambda: bool(lives(tmp_path)), on_ready=kill_the_first) == 0
    assert len(lives(tmp_path)) == 2


def test_programs_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    source = """
        import sys
        from opscenter.supervisor import Program, Supervisor
        Supervisor([Program("web", sys.argv[1:])]).run(is_ready=lambda: False, on_ready=print)
    """
    command = [sys.executable, "-c", textwrap.dedent(source), *noting(tmp_path, SLEEPS)]
    with subprocess.Popen(command) as supervisor:
        (pid,) = eventually(lambda: lives(tmp_path))
        supervisor.kill()
    eventually(lambda: not is_alive(pid))


def test_signal_handlers_are_given_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    Supervisor([], patience=QUICK).run(is_ready=lambda: True, on_ready=signal_self(signal.SIGTERM))
    assert signal.getsignal(signal.SIGINT) is before
