"""No secret shows in anything that an installation says, stores or leaves behind."""

import pytest

from tests.secrets.installation import Installation
from tests.secrets.scanner import Scanner

pytestmark = pytest.mark.once

PLANTED = "planted"


@pytest.fixture(scope="package")
def found(installation: Installation) -> dict[str, set[str]]:
    """What each sink holds, of the canaries and of what was planted."""
    scanner = Scanner({**installation.canaries, PLANTED: installation.planted})
    return {name: scanner.leaks(data) for name, data in installation.sinks()}


def test_no_sink_holds_a_canary(found: dict[str, set[str]], installation: Installation) -> None:
    assert {name: leaks for name, names in found.items() if (leaks := names - {PLANTED})} == {}
    assert len(installation.canaries) >= 18


def test_what_is_no_secret_is_found_in_every_sink_that_tells_of_it(found: dict[str, set[str]]) -> None:
    """A server's name and an address that was asked for: of a leak, the same places would tell."""
    files = set().union(*(names for name, names in found.items() if name.startswith("db.sqlite3")))

    assert {name for name in ("answers", "log", "database") if PLANTED in found[name]} == {"answers", "log", "database"}
    assert PLANTED in files or "db.sqlite3" not in found


def test_everything_was_said_that_can_be(installation: Installation) -> None:
    assert '"level": "debug"' in installation.live.log
    assert "gateway.dispatch" in installation.live.log
