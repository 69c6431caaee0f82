"""Every proof has its `figures`."""

import time
from collections.abc import Iterator

import pytest

from tests.credits.conftest import alice, bob, give  # noqa: F401 - fixtures
from tests.proofs.figures import Figures


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "proof(number, title): which of the proofs in docs/proofs.md this is part of")
    own = "own_servers: brings PostgreSQL or Redis of its own: runs with --database=postgres alone"
    config.addinivalue_line("markers", own)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("database") != "postgres":
        elsewhere = [item for item in items if item.get_closest_marker("own_servers")]
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Written where the run asks for them."""
    figures = Figures.of(request.node)
    began = time.monotonic()
    failed_before = request.session.testsfailed
    yield figures
    figures.took_s = round(time.monotonic() - began, 1)
    figures.held = request.session.testsfailed == failed_before
    if folder := request.config.getoption("--figures", None):
        figures.write(folder)
