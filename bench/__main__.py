"""`python -m bench`: start the peers, measure in interleaved rounds, say which targets are reached."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import FrameType

from bench import footprint, ledger, machine, measure, procfs
from bench.findings import Findings
from bench.measure import CELLS, Sample
from bench.report import render
from bench.servers import FRESH, LABELS, Peer, Servers

LEDGER, CONNECTIONS, MEMORY = "ledger", "connections", "memory"
PARTS = (*CELLS, LEDGER, CONNECTIONS, MEMORY)
RESULTS = Path(__file__).with_name("RESULTS.md")
# The ledger's rounds are many and steady.
_LEDGER_ROUNDS, _LEDGER_DURATION_S = 3, 2.0


def main() -> None:
    options = _options()
    # A shell that starts this in the background has it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminated)
    findings = Findings({**machine.describe(), "Settings": _settings(options)})
    server_core, other_core = procfs.two_cores()
    # Everything started from here on inherits it; the peers are moved to the server's core.
    os.sched_setaffinity(0, {other_core})
    with Servers(pace_ms=options.pace_ms) as servers:
        _measure_peers(servers, options, findings, server_core)
        _measure_worker(servers, options, findings, server_core)
        if LEDGER in options.only:
            _measure_ledger(servers, options, findings, server_core)
    report = render(findings)
    if options.output:
        options.output.write_text(report)
        print(f"Written: {options.output}")
    else:
        print(report)


def _measure_peers(servers: Servers, options: argparse.Namespace, findings: Findings, core: int) -> None:
    cells = [CELLS[name] for name in options.only if name in CELLS]
    if not cells:
        return
    peers = [_start(servers, name, core) for name in options.peers]
    print("warming up", flush=True)
    for peer in peers:
        for cell in cells:
            measure.ask(peer, cell, requests=cell.in_flight)
    for sample in measure.rounds(peers, cells, servers.helpers, count=options.rounds, duration_s=options.duration):
        _say(sample)
        findings.samples.append(sample)


def _measure_worker(servers: Servers, options: argparse.Namespace, findings: Findings, core: int) -> None:
    if "gateway-litellm" in options.peers and any(name in CELLS for name in options.only):
        findings.memory_with_litellm = procfs.rss_mib(servers.start("gateway-litellm").pid)
    if CONNECTIONS in options.only:
        worker = _start(servers, "gateway-postgres", core)
        url = servers.postgres.url()
        findings.connections = footprint.most_connections(worker, url, duration_s=options.duration)
        print(f"{findings.connections} connections to PostgreSQL", flush=True)
    if MEMORY in options.only:
        worker = _start(servers, FRESH, core)
        for served, mib in footprint.memory(worker):
            print(f"{mib:.1f} MiB after {served} requests", flush=True)
            findings.memory.append((served, mib))


def _measure_ledger(servers: Servers, options: argparse.Namespace, findings: Findings, core: int) -> None:
    rounds, duration_s = min(_LEDGER_ROUNDS, options.rounds), min(_LEDGER_DURATION_S, options.duration)
    for pairs in ledger.measure(servers, core=core, rounds=rounds, duration_s=duration_s):
        print(f"{pairs.database:8} {pairs.wallets:3} wallets  {pairs.way:10} {pairs.per_s:7.1f} pairs/s", flush=True)
        findings.pairs.append(pairs)


def _start(servers: Servers, name: str, core: int) -> Peer:
    peer = servers.start(name)
    if name != "direct":
        procfs.pin(peer.pid, core)
    print(f"{name}: port {peer.port}, pid {peer.pid}", flush=True)
    return peer


def _say(sample: Sample) -> None:
    load = sample.load
    print(
        f"{sample.cell:10} {sample.peer:17} {sample.cpu_ms:7.3f} ms CPU  {sample.per_s:7.1f}/s  "
        f"p50 {load.whole_p50_ms:7.2f} p99 {load.whole_p99_ms:7.2f} ms  "
        f"first p50 {load.first_p50_ms:7.2f} p99 {load.first_p99_ms:7.2f} ms  other core {sample.other_core:4.0%}",
        flush=True,
    )


def _settings(options: argparse.Namespace) -> str:
    return f"{options.rounds} rounds of {options.duration:g} s each; paced, {options.pace_ms:g} ms before each chunk"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--peers", type=_names(LABELS), default=list(LABELS), help=",".join(LABELS))
    parser.add_argument("--only", type=_names(PARTS), default=list(PARTS), metavar="PARTS", help=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--duration", type=float, default=4, help="seconds that a peer is loaded each time")
    parser.add_argument("--pace-ms", type=float, default=5, help="pause before each chunk of a paced stream")
    parser.add_argument("--quick", action="store_true", help="one round of one second, and no memory")
    parser.add_argument("--output", type=Path, help="the report's file; unless it is a whole run, it is only printed")
    options = parser.parse_args()
    is_whole = options == parser.parse_args([])
    if options.quick:
        options.rounds, options.duration = 1, 1
        options.only = [part for part in options.only if part != MEMORY]
    options.output = options.output or (RESULTS if is_whole else None)
    return options


def _names(known: Collection[str]) -> Callable[[str], Sequence[str]]:
    def parse(text: str) -> Sequence[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
        return names

    return parse


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        main()
    except measure.LoadFailed as error:
        sys.exit(f"The bench is over: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
