"""CPU, memory and open files of this process, for its metric files."""

import threading

from prometheus_client import Gauge
from prometheus_client.process_collector import ProcessCollector

_EVERY_S = 2.0
_WANTED = {
    "process_cpu_seconds": "CPU time used so far",
    "process_resident_memory_bytes": "Memory in RAM",
    "process_open_fds": "Open files and connections",
    "process_max_fds": "How many may be open",
    "process_start_time_seconds": "Unix time of its start",
}


class ProcessGauges:
    """Made once the process has joined its files. Nothing is known where there is no /proc."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)
        self._gauges = {
            name: Gauge(f"opscenter_{name}", text, multiprocess_mode="liveall", registry=None)
            for name, text in _WANTED.items()
        }

    def look(self) -> None:
        for family in self._collector.collect():
            if gauge := self._gauges.get(family.name):
                gauge.set(family.samples[0].value)

    def keep_looking(self) -> None:
        """On a thread, for as long as the process lives."""
        threading.Thread(target=self._run, name="process-gauges", daemon=True).start()

    def _run(self) -> None:
        tick = threading.Event()
        while True:
            self.look()
            tick.wait(_EVERY_S)
