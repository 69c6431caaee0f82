"""pytest plugin (`-p tests.proofs.plugin`) of the whole run: which proofs, how much of each, where figures go."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.proofs.figures import Figures


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


def pytest_collection_finish(session: pytest.Session) -> None:
    """What never comes to its end, for whatever reason, is known as failed."""
    for item in session.items:
        _write_failed(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What fails after its figures were written counts as failed too."""
    report = yield
    if report.failed:
        _write_failed(item)
    return report


def _write_failed(item: pytest.Item) -> None:
    folder = item.config.getoption("figures")
    if folder and number_of(item) is not None:
        Figures.of(item).write(folder)


def number_of(item: pytest.Item) -> int | None:
    marker = item.get_closest_marker("proof")
    return int(marker.args[0]) if marker else None
