"""What the bench makes of its figures."""

from bench.findings import Findings
from bench.ledger import Pairs
from bench.load import Load
from bench.measure import Sample
from bench.report import render
from bench.targets import verdicts


def a_sample(peer: str, cell: str, *, cpu_ms: float = 1, p50_ms: float = 1, p99_ms: float = 1) -> Sample:
    return Sample(peer, cell, Load(100, 2.0, p50_ms, p99_ms, p50_ms, p99_ms, 0.1), cpu_ms, 0.5)


def verdict(findings: Findings, target: str) -> tuple[str, str]:
    ((_, seen, word),) = (line for line in verdicts(findings) if line[0].startswith(target))
    return seen, word


def findings_of(*samples: Sample) -> Findings:
    return Findings({"Python": "3"}, samples=list(samples))


def plain_against_the_proxy(gateway_ms: float) -> Findings:
    return findings_of(
        a_sample("gateway-postgres", "plain-32", cpu_ms=gateway_ms), a_sample("litellm-proxy", "plain-32", cpu_ms=10)
    )


def test_a_ratio_is_of_cpu_time_per_request() -> None:
    assert verdict(plain_against_the_proxy(1), "plain requests") == ("10.0 x (1000/s against 100/s)", "reached")


def test_a_ratio_below_its_target_is_not_reached() -> None:
    assert verdict(plain_against_the_proxy(1.01), "plain requests")[1] == "not reached"


def test_what_was_not_measured_is_not_reached() -> None:
    assert {word for _, _, word in verdicts(findings_of())} == {"not measured"}


def test_a_median_leaves_an_outlier_aside() -> None:
    rounds = [a_sample("direct", "plain-1", cpu_ms=cpu_ms) for cpu_ms in (1, 90, 2)]
    assert findings_of(*rounds).median("direct", "plain-1", lambda sample: sample.cpu_ms) == 2


def test_added_latency_is_taken_within_each_round() -> None:
    findings = findings_of(
        *(a_sample("direct", "plain-1", p50_ms=ms, p99_ms=ms) for ms in (1, 100, 2)),
        *(a_sample("gateway-postgres", "plain-1", p50_ms=ms + 4, p99_ms=ms + 16) for ms in (1, 100, 2)),
    )
    assert verdict(findings, "latency added") == ("p50 4.00 ms, p99 16.00 ms", "not reached")


def test_memory_that_grows_is_not_reached() -> None:
    findings = findings_of()
    findings.memory = [(20_000, 200.0), (100_000, 201.0)]
    assert verdict(findings, "memory")[1] == "reached"
    findings.memory = [(20_000, 200.0), (100_000, 220.0)]
    assert verdict(findings, "memory")[1] == "not reached"


def test_the_report_names_the_machine_the_medians_and_every_round() -> None:
    findings = plain_against_the_proxy(0.8)
    findings.samples.append(a_sample("gateway-postgres", "plain-32", cpu_ms=0.5))
    findings.pairs = [Pairs("sqlite", 200, "group", 2500.0)]
    findings.connections = 3
    findings.memory_with_litellm = 287.5
    report = render(findings)
    assert "- Python: 3" in report
    assert "LiteLLM in its process too, held 287.5 MiB" in report
    assert "| this gateway, PostgreSQL and Redis, relay | 0.650 | 1538 | 15.4 |" in report
    assert "| plain-32 | this gateway, PostgreSQL and Redis, relay | 0.800, 0.500 |" in report
    assert "| SQLite | 200 | 64 callers, committed in groups | 2500 | 2500 |" in report
    assert "| open PostgreSQL connections of a web worker: at most 4, whatever the load | 3 | reached |" in report
