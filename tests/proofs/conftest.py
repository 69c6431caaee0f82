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
    config.addinivalue_line("markers", "long: a control with a gateway of its own, which `make proof` alone waits for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = {"own_servers": config.getoption("database") == "postgres", "long": config.getoption("whole", False)}
    unwanted = [name for name, is_wanted in wanted.items() if not is_wanted]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unwanted)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether the proofs are run whole: for a sample, fewer processes do."""
    return bool(request.config.getoption("whole", False))


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
