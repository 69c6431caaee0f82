"""RESULTS.md: medians over the rounds, what every round said, and which targets are reached."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from bench import ledger
from bench.findings import Findings
from bench.ledger import Pairs
from bench.measure import CELLS, Cell, Sample
from bench.servers import LABELS
from bench.targets import verdicts

PROXY = "litellm-proxy"


def render(findings: Findings) -> str:
    sections = [
        "# What it costs",
        _INTRODUCTION.strip(),
        "\n".join(f"- {name}: {value}" for name, value in findings.machine.items()),
        "## Targets",
        _table(("target", "seen", ""), verdicts(findings)),
        *_cells(findings),
        *_ledger(findings.pairs),
        *_memory(findings),
        *_every_round(findings),
    ]
    return "\n\n".join(sections) + "\n"


def _cells(findings: Findings) -> Iterator[str]:
    for name, cell in CELLS.items():
        if any(sample.cell == name for sample in findings.samples):
            yield f"## {_kind(cell)}, {cell.in_flight} in flight"
            yield _table(_COLUMNS, _rows(findings, name))


def _kind(cell: Cell) -> str:
    if not cell.stream:
        return "Plain requests"
    return "100-word streams, paced" if cell.paced else "100-word streams"


_COLUMNS = (
    "peer",
    "CPU ms a request",
    "requests/s a core",
    "x LiteLLM proxy",
    "requests/s seen",
    "p50 ms",
    "p99 ms",
    "added p50 ms",
    "added p99 ms",
    "first word p50 ms",
    "other core busy",
)


def _rows(findings: Findings, cell: str) -> Iterator[tuple[str, ...]]:
    proxy = findings.median(PROXY, cell, lambda sample: sample.cpu_ms)
    for peer, label in LABELS.items():
        if not findings.of(peer, cell):
            continue

        def seen(figure: Callable[[Sample], float], peer: str = peer) -> float:
            return findings.median(peer, cell, figure) or 0.0

        cpu_ms = seen(lambda sample: sample.cpu_ms)
        yield (
            label,
            f"{cpu_ms:.3f}",
            f"{1000 / cpu_ms:.0f}",
            f"{proxy / cpu_ms:.1f}" if proxy else "-",
            f"{seen(lambda sample: sample.per_s):.0f}",
            f"{seen(lambda sample: sample.load.whole_p50_ms):.2f}",
            f"{seen(lambda sample: sample.load.whole_p99_ms):.2f}",
            _ms(findings.added_ms(peer, cell, lambda sample: sample.load.whole_p50_ms)),
            _ms(findings.added_ms(peer, cell, lambda sample: sample.load.whole_p99_ms)),
            f"{seen(lambda sample: sample.load.first_p50_ms):.2f}",
            f"{seen(lambda sample: sample.other_core):.0%}",
        )


def _ledger(pairs: Sequence[Pairs]) -> Iterator[str]:
    if not pairs:
        return
    yield "## The ledger by itself"
    yield (
        "Pairs of a reserve and a settle per second, each durable before it is answered. One by one is the same code\n"
        "with one move in a transaction. The books were checked afterwards."
    )
    yield _table(("database", "wallets", "way", "pairs/s", "every round"), _ledger_rows(pairs))


def _ledger_rows(pairs: Sequence[Pairs]) -> Iterator[tuple[str, ...]]:
    for database, wallets, way in dict.fromkeys((seen.database, seen.wallets, seen.way) for seen in pairs):
        values = [seen.per_s for seen in pairs if (seen.database, seen.wallets, seen.way) == (database, wallets, way)]
        rounds = ", ".join(f"{value:.0f}" for value in values)
        yield ledger.DATABASES[database], str(wallets), ledger.WAYS[way], f"{median(values):.0f}", rounds


def _memory(findings: Findings) -> Iterator[str]:
    if findings.memory:
        yield "## Memory of one web worker"
        yield _table(
            ("plain requests served", "MiB resident"), ((f"{n:,}", f"{mib:.1f}") for n, mib in findings.memory)
        )
    if findings.memory_with_litellm is not None:
        yield (
            f"The worker of the tables above, which has called LiteLLM in its process too, held "
            f"{findings.memory_with_litellm:.1f} MiB."
        )


def _every_round(findings: Findings) -> Iterator[str]:
    if findings.samples:
        yield "## Every round"
        yield "CPU time per request in ms, in the order of the rounds, to show outliers."
        yield _table(("load", "peer", "ms"), _round_rows(findings))


def _round_rows(findings: Findings) -> Iterator[tuple[str, ...]]:
    for cell in CELLS:
        for peer, label in LABELS.items():
            if samples := findings.of(peer, cell):
                yield cell, label, ", ".join(f"{sample.cpu_ms:.3f}" for sample in samples)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_INTRODUCTION = """
Written by `make bench`. All peers were measured in one run, in turn within each round, against one model server that
answers at once: plain, or a stream of 103 chunks (role, 100 words, finish, usage) and `[DONE]`, each chunk sent by
itself. They follow without a pause, so that a peer which is behind reads several at once; paced, each comes alone.
Every answer was checked for each of its words, its finish and its usage. The peer had one core to itself; load
generator, model server, PostgreSQL and Redis shared another. What is named is the median of the rounds.

CPU time is user and system time of the peer's processes, from the kernel's books, and is what least depends on what
else the machine does; *requests/s a core* is its inverse. Those *seen* are what came through meanwhile, and *added* is
the latency beyond that of a direct call in the same round. This gateway runs by its own `serve` command with one
process and everything on: a virtual key of a funded account with limits on requests and tokens per minute, on calls at
once and on credits per month (each too high to refuse), a hold that is durable before the model server sees a byte,
request rows, logs at INFO into a file. The bare engine is a uvicorn process too, and has neither keys nor books; the
proxy checks its master key.
"""
