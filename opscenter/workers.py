"""The web processes of a machine: one that serves, or a parent that replaces workers which die, or all of them in turn.

All workers share one listening socket, which their parent holds while they come and go: nobody is refused meanwhile.
"""

import logging
import signal
import socket
import sys
import time
from contextlib import suppress

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from opscenter.connection import State

log = logging.getLogger(__name__)

# A successor imports all that there is before it is ready, maybe on a machine that is busy.
_START_S = 180.0
_LOOK_S = 0.1
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Server(uvicorn.Server):
    """uvicorn's, whose connections know that it is being stopped, also those that are accepted at that moment.

    The application finds `is_successor` in its lifespan's state: another serves until this one is ready for all calls.
    """

    server_state: State

    def __init__(self, config: uvicorn.Config, *, is_successor: bool = False) -> None:
        super().__init__(config)
        self.server_state = State()
        self._is_successor = is_successor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state["is_successor"] = self._is_successor
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.stopping = True
        await super().shutdown(sockets)


class Worker(Process):
    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], *, is_successor: bool = False) -> None:
        super().__init__(config, sockets)
        self._is_successor = is_successor

    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = Server(self.config, is_successor=self._is_successor)
        assert isinstance(self._server, Server)
        return self._server


class Workers(Multiprocess):
    """The parent. SIGHUP replaces its workers one by one, each new one ready before its predecessor is told to end."""

    def init_processes(self) -> None:
        self.processes.extend(self._started() for _ in range(self.processes_num))

    def restart_all(self) -> None:
        """The rest stays as it is where a new worker does not get ready, and where the parent is told to stop."""
        for index, old in enumerate(self.processes):
            new = self._started(is_successor=True)
            if not self._gets_ready(new):
                new.kill()
                new.join()
                if not self._is_told_to_stop:
                    log.error("a new web worker did not get ready: the former ones stay")
                return
            self.processes[index] = new
            old.terminate()
            while old.process.is_alive():
                if self._is_told_to_stop:
                    self.processes.append(old)
                    return
                old.process.join(_LOOK_S)

    def keep_subprocess_alive(self) -> None:
        for index, process in enumerate(self.processes):
            if process.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                log.error("a web worker could not start: all of them stop")
                self.should_exit.set()
                return
            log.warning("a web worker ended with code %s: another is started", process.exitcode)
            self.processes[index] = self._started()

    def terminate_all(self) -> None:
        # As long as anybody has it open, the kernel takes connections that nobody will serve.
        for listening in self.sockets:
            listening.close()
        for process in self.processes:
            if process.process.is_alive():
                process.terminate()

    def handle_ttin(self) -> None:
        """WEB_CONCURRENCY alone says how many workers there are."""

    handle_ttou = handle_ttin

    def _started(self, *, is_successor: bool = False) -> Worker:
        worker = Worker(self.config, self.sockets, is_successor=is_successor)
        worker.start()
        return worker

    def _gets_ready(self, worker: Worker) -> bool:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and worker.process.is_alive() and not self._is_told_to_stop:
            if worker.is_ready(timeout=1):
                return True
            time.sleep(_LOOK_S)
        return False

    @property
    def _is_told_to_stop(self) -> bool:
        """Signals wait in a queue while the workers are being replaced."""
        return self.should_exit.is_set() or any(number in self.signal_queue for number in _STOPPING)


def serve(config: uvicorn.Config) -> None:
    """Until SIGTERM or SIGINT. One worker alone has no parent, and takes SIGHUP for SIGTERM."""
    with suppress(KeyboardInterrupt):
        if config.workers > 1:
            Workers(config, sockets=[config.bind_socket()]).run()
            return
        server = Server(config)
        signal.signal(signal.SIGHUP, server.handle_exit)
        server.run()
        if not server.started:
            sys.exit(STARTUP_FAILURE)
