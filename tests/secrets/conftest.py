"""One installation for the folder, in which everything has happened that could make a secret show."""

from collections.abc import Iterator

import pytest

from tests.secrets.installation import Installation
from tests.secrets.story import live_through
from tests.upstream import Upstream


@pytest.fixture(scope="package")
def installation(running_upstream_server: Upstream) -> Iterator[Installation]:
    with Installation() as installation:
        live_through(installation, running_upstream_server)
        yield installation
