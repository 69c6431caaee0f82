"""What a proof saw, in figures: collected by its test, written for docs/proofs.md."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self

import pytest

from tests.proofs.report import environment

DECIMALS = 3


@dataclass
class Figures:
    """One test of a proof. `controls` are the negative controls: what was seen without the guard. `held` is said at the
    end: until then the test counts as failed.
    """

    proof: int
    title: str
    test: str
    database: str
    seed: int
    whole: bool
    seen: dict[str, Any] = field(default_factory=dict)
    controls: dict[str, Any] = field(default_factory=dict)
    took_s: float = 0.0
    held: bool = False

    @classmethod
    def of(cls, test: pytest.Item) -> Self:
        marker = test.get_closest_marker("proof")
        assert marker, f"{test.name} is marked as part of no proof"
        option = test.config.getoption
        return cls(
            proof=marker.args[0],
            title=marker.args[1],
            test=test.name,
            database=option("database"),
            seed=option("--proof-seed", 0),
            whole=option("--whole", False),
        )

    def times(self, *, reduced: int, whole: int) -> int:
        """How often something is done in this run."""
        return whole if self.whole else reduced

    @property
    def pause_s(self) -> float:
        """Between two calls of a client: a reduced run has others beside it, which take longer the more it calls."""
        return 0.0 if self.whole else 0.1

    @property
    def chance(self) -> Random:
        return Random(self.seed)

    def saw(self, what: str, value: Any) -> None:
        self.seen[what] = value

    def saw_without_the_guard(self, what: str, value: Any) -> None:
        self.controls[what] = value

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.proof}-{self.database}-{self.test}.json"
        path.write_text(json.dumps(asdict(self) | environment(), indent=2))


def spread(seconds: Iterable[float]) -> str:
    """How long something took: median, 99 of 100, most."""
    sorted_ = sorted(seconds)
    if not sorted_:
        return "none"
    late = sorted_[min(len(sorted_) - 1, len(sorted_) * 99 // 100)]
    middle = statistics.median(sorted_)
    return f"median {middle:.{DECIMALS}f} s, 99 % {late:.{DECIMALS}f} s, most {sorted_[-1]:.{DECIMALS}f} s"
