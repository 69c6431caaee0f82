"""Python's search for cyclic garbage: kept off what is loaded, and made at the end of a module, where it belongs."""

import gc
from collections.abc import Iterator

import pytest

# Between two looks at the youngest objects, as many as a web process makes; Python's own is 700.
_ALLOCATIONS = 10_000


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)


@pytest.fixture(scope="module", autouse=True)
def own_garbage() -> Iterator[None]:
    """A socket that a module leaves open is its own failure, and not of whatever test runs when it is found."""
    yield
    gc.collect()
    # What is still in use after a module will be after the others.
    gc.freeze()
