"""pytest plugin (`-p tests.proofs.plugin`) of the whole run: which proofs, how much of each, where figures go."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proofs")
    group.addoption("--whole", action="store_true", help="everything that docs/proofs.md speaks of, not a sample")
    group.addoption("--proofs", default="", help="their numbers, with commas; all unless given")
    group.addoption("--proof-seed", type=int, default=0, help="what chance decides in a proof follows from this")
    group.addoption("--figures", type=Path, help="folder for what was seen, a file for each test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = {int(number) for number in config.getoption("proofs").split(",") if number}
    if not wanted:
        return
    left_out = [item for item in items if number_of(item) not in wanted]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if number_of(item) in wanted]


def number_of(item: pytest.Item) -> int | None:
    marker = item.get_closest_marker("proof")
    return int(marker.args[0]) if marker else None
