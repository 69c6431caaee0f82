"""All moves in any order against an oracle in plain Python."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.proofs.figures import Figures
from tests.proofs.money_machine import MoneyMachine
from tests.proofs.oracle import SITUATIONS

STEPS = 40


@pytest.mark.proof(8, "All moves in any order, against an oracle in plain Python")
@pytest.mark.django_db
def test_any_order_of_moves_agrees_with_the_oracle(figures: Figures) -> None:
    examples = figures.times(reduced=10, whole=300)
    compared, met = run(figures, examples)
    figures.saw(f"examples, of up to {STEPS} moves each", examples)
    figures.saw("times that all books were compared with the oracle's", compared)
    for situation in SITUATIONS:
        figures.saw(situation, met[situation])
    figures.saw("differences, problems found by the checker", 0)
    # A sample need not come to all of them.
    assert not figures.whole or all(met[situation] for situation in SITUATIONS), met


def run(figures: Figures, examples: int) -> tuple[int, Counter[str]]:
    """How often the books were compared, and how often each situation was met, the examples shrunk from included."""
    compared: list[int] = []
    met: Counter[str] = Counter()

    class Counting(MoneyMachine):
        def check_invariants(self, *arguments: Any, **more: Any) -> None:
            compared.append(1)
            super().check_invariants(*arguments, **more)

        def teardown(self) -> None:
            met.update(self.oracle.met)
            super().teardown()

    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(seed(figures.seed)(Counting), settings=options)
    return len(compared), met
