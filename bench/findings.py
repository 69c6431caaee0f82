"""What one run has seen, and its medians."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from bench.ledger import Pairs
from bench.measure import Sample

BASELINE = "direct"


@dataclass(slots=True)
class Findings:
    """Everything that one run has seen. `memory`: requests served, and MiB after them; `memory_with_litellm`: MiB of a
    worker that has called LiteLLM in its process too."""

    machine: Mapping[str, str]
    samples: list[Sample] = field(default_factory=list)
    pairs: list[Pairs] = field(default_factory=list)
    connections: int | None = None
    memory: list[tuple[int, float]] = field(default_factory=list)
    memory_with_litellm: float | None = None

    def of(self, peer: str, cell: str) -> list[Sample]:
        """In the order of the rounds."""
        return [sample for sample in self.samples if (sample.peer, sample.cell) == (peer, cell)]

    def median(self, peer: str, cell: str, figure: Callable[[Sample], float]) -> float | None:
        values = [figure(sample) for sample in self.of(peer, cell)]
        return median(values) if values else None

    def added_ms(self, peer: str, cell: str, figure: Callable[[Sample], float]) -> float | None:
        """The median of what it adds in each round to the direct call of the same round."""
        rounds = zip(self.of(peer, cell), self.of(BASELINE, cell), strict=False)
        values = [figure(sample) - figure(direct) for sample, direct in rounds]
        return median(values) if values else None
