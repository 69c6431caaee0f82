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
    """Written where the run asks for them, and only if the test held."""
    marker = request.node.get_closest_marker("proof")
    option = request.config.getoption
    figures = Figures(
        proof=marker.args[0],
        title=marker.args[1],
        test=request.node.name,
        database=option("database"),
        seed=option("--proof-seed", 0),
        whole=option("--whole", False),
    )
    began = time.monotonic()
    failed_before = request.session.testsfailed
    yield figures
    figures.took_s = round(time.monotonic() - began, 1)
    if (folder := option("--figures", None)) and request.session.testsfailed == failed_before:
        figures.write(folder)
