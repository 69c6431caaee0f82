"""`python -m bench`: start the peers, measure in interleaved rounds, print what was seen."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from types import FrameType

from bench import measure, procfs
from bench.measure import CELLS, Sample
from bench.servers import LABELS, Peer, Servers


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, _terminated)
    server_core, other_core = procfs.two_cores()
    # Everything started from here on inherits it; the peers are moved to the server's core.
    os.sched_setaffinity(0, {other_core})
    with Servers(pace_ms=options.pace_ms) as servers:
        peers = _start(servers, options.peers, server_core)
        cells = [CELLS[name] for name in options.only]
        _warm(peers)
        for sample in measure.rounds(peers, cells, servers.helpers, count=options.rounds, duration_s=options.duration):
            _say(sample)


def _start(servers: Servers, names: Sequence[str], core: int) -> list[Peer]:
    peers = []
    for name in names:
        peer = servers.start(name)
        if name != "direct":
            procfs.pin(peer.pid, core)
        print(f"{name}: port {peer.port}, pid {peer.pid}", flush=True)
        peers.append(peer)
    return peers


def _warm(peers: Sequence[Peer]) -> None:
    for peer in peers:
        for cell in CELLS.values():
            measure.ask(peer, cell, requests=2 * cell.in_flight)


def _say(sample: Sample) -> None:
    load = sample.load
    print(
        f"{sample.cell:10} {sample.peer:17} {sample.cpu_ms:7.3f} ms CPU  {sample.per_s:7.1f}/s  "
        f"p50 {load.whole_p50_ms:7.2f} p99 {load.whole_p99_ms:7.2f} ms  "
        f"first p50 {load.first_p50_ms:7.2f} p99 {load.first_p99_ms:7.2f} ms  other core {sample.other_core:4.0%}",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peers", type=_names(LABELS), default=list(LABELS), help=",".join(LABELS))
    parser.add_argument("--only", type=_names(CELLS), default=list(CELLS), metavar="CELLS", help=",".join(CELLS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--duration", type=float, default=4, help="seconds a cell is loaded, each round")
    parser.add_argument("--pace-ms", type=float, default=0, help="the model server's pause before each chunk")
    parser.add_argument("--quick", action="store_true", help="one round of one second each")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.duration = 1, 1
    return options


def _names(known: Collection[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return names

    return parse


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
