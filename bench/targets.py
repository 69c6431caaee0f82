"""What was set out to be reached, each held against the findings of a run."""

from collections.abc import Iterator

from bench.findings import Findings

Verdict = tuple[str, str, str]
PLAIN_TIMES, STREAM_TIMES = 10, 25
ADDED_P50_MS, ADDED_P99_MS = 5, 15
ENGINE_TIMES = 1.25
MEMORY_MIB, MEMORY_GROWTH = 260, 0.03
CONNECTIONS = 4


def verdicts(findings: Findings) -> Iterator[Verdict]:
    """(target, what was seen, "reached", "not reached" or "not measured")."""
    yield _times_the_proxy(
        findings, "plain-32", "plain requests a core, 32 in flight, PostgreSQL and Redis", PLAIN_TIMES
    )
    yield _times_the_proxy(findings, "stream-32", "100-word streams a core, the same", STREAM_TIMES)
    yield _times_the_proxy(findings, "paced-32", "the same, paced", STREAM_TIMES)
    yield _added(findings)
    yield _engine(findings, "plain-32", "plain")
    yield _engine(findings, "stream-32", "streams")
    yield _memory(findings)
    yield _connections(findings)


def _times_the_proxy(findings: Findings, cell: str, what: str, wanted: float) -> Verdict:
    target = f"{what}: at least {wanted} x LiteLLM proxy"
    ours, proxy = (findings.median(peer, cell, lambda s: s.cpu_ms) for peer in ("gateway-postgres", "litellm-proxy"))
    if ours is None or proxy is None:
        return _not_measured(target)
    seen = f"{proxy / ours:.1f} x ({1000 / ours:.0f}/s against {1000 / proxy:.0f}/s)"
    return target, seen, _word(proxy / ours >= wanted)


def _added(findings: Findings) -> Verdict:
    target = f"latency added at 1 in flight, the hold durable: p50 at most {ADDED_P50_MS} ms, p99 {ADDED_P99_MS} ms"
    p50_ms = findings.added_ms("gateway-postgres", "plain-1", lambda s: s.load.whole_p50_ms)
    p99_ms = findings.added_ms("gateway-postgres", "plain-1", lambda s: s.load.whole_p99_ms)
    if p50_ms is None or p99_ms is None:
        return _not_measured(target)
    reached = p50_ms <= ADDED_P50_MS and p99_ms <= ADDED_P99_MS
    return target, f"p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms", _word(reached)


def _engine(findings: Findings, cell: str, what: str) -> Verdict:
    target = f"through LiteLLM in the process, {what}: at most {ENGINE_TIMES} x bare `litellm.acompletion`"
    ours, bare = (findings.median(peer, cell, lambda s: s.cpu_ms) for peer in ("gateway-litellm", "bare-litellm"))
    if ours is None or bare is None:
        return _not_measured(target)
    return target, f"{ours / bare:.2f} x ({ours:.2f} ms against {bare:.2f} ms)", _word(ours / bare <= ENGINE_TIMES)


def _memory(findings: Findings) -> Verdict:
    target = f"memory of a web worker after 100,000 requests: at most {MEMORY_MIB} MiB, not growing"
    if not findings.memory:
        return _not_measured(target)
    (first_at, first), (last_at, last) = findings.memory[0], findings.memory[-1]
    reached = last <= MEMORY_MIB and last <= first * (1 + MEMORY_GROWTH)
    return target, f"{last:.0f} MiB after {last_at:,}; {last - first:+.1f} MiB since {first_at:,}", _word(reached)


def _connections(findings: Findings) -> Verdict:
    target = f"open PostgreSQL connections of a web worker: at most {CONNECTIONS}, whatever the load"
    if findings.connections is None:
        return _not_measured(target)
    return target, f"{findings.connections}", _word(findings.connections <= CONNECTIONS)


def _not_measured(target: str) -> Verdict:
    return target, "-", "not measured"


def _word(reached: bool) -> str:
    return "reached" if reached else "not reached"
