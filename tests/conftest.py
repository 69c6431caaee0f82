"""Fixtures for every test: the upstream, and a database like the one in use. Nothing leaves the machine."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import ROOT
from tests.database import dropped_though_in_use, fresh_pool  # noqa: F401 - an autouse fixture
from tests.first_rows import django_db_setup  # noqa: F401 - takes the place of pytest-django's
from tests.garbage import own_garbage, pytest_collection_finish  # noqa: F401 - an autouse fixture, and a hook
from tests.upstream import Upstream, running_upstream


def refuse_the_internet(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: connecting to anything but loopback is a failure of the test."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise RuntimeError(f"A test tried to connect to {host}.")


sys.addaudithook(refuse_the_internet)


# How long an example takes says something of the machine, on which others are at work, too.
hypothesis.settings.register_profile(
    "anywhere", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("anywhere")

# Tests there start real servers, each with a database, which no fixture of pytest-django's tells.
_INSTALLATIONS = frozenset(ROOT / "tests" / name for name in ("e2e", "proofs", "secrets"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once: has a database, but would say the same of any other")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("again"):
        left_out = [item for item in items if not _is_about_the_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _is_about_the_database(item)]
    # What takes longest begins first, or one process would end long after the others.
    items.sort(key=lambda item: _INSTALLATIONS.isdisjoint(item.path.parents))


def _is_about_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("once"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return (
        item.get_closest_marker("django_db") is not None
        or not {"db", "transactional_db"}.isdisjoint(fixtures)
        or not _INSTALLATIONS.isdisjoint(item.path.parents)
    )


@pytest.fixture(scope="session")
def running_upstream_server() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(running_upstream_server: Upstream) -> Upstream:
    """The test upstream, with nothing called yet and every behaviour forgotten."""
    running_upstream_server.reset()
    return running_upstream_server


@pytest.fixture(scope="session", autouse=True)
def cheap_start(django_test_environment: None) -> Iterator[None]:
    """A password's hash is meant to take long, as every user of a test would; and every client looks through all
    static files first.
    """
    from django.test import override_settings

    hasher = "django.contrib.auth.hashers.MD5PasswordHasher"
    with override_settings(PASSWORD_HASHERS=[hasher], WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """SQLite in a file, as in use: in memory, threads would share one cache and its locks know no timeout."""
    from django.conf import settings
    from django.db import connection

    if connection.vendor == "sqlite":
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        connection.settings_dict["TEST"]["NAME"] = str(Path(settings.DATA_DIR) / f"test-{worker}.sqlite3")
    with dropped_though_in_use():
        yield
