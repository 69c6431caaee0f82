"""A test run keeps to itself: its own database, its own secrets, and no network beyond this machine."""

import os
import socket
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection


def test_nothing_beyond_loopback_can_be_reached() -> None:
    with socket.socket() as outside, pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))


def test_loopback_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_the_run_has_its_own_folder_and_secrets(pytestconfig: pytest.Config) -> None:
    assert Path(os.environ["DATA_DIR"]) == settings.DATA_DIR != settings.BASE_DIR / "var"
    assert os.environ["SECRET_KEY"] == settings.SECRET_KEY
    assert (connection.vendor == "postgresql") == (pytestconfig.getoption("database") == "postgres")


@pytest.mark.django_db
def test_the_database_is_the_runs_own() -> None:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        assert Path(name).parent == settings.DATA_DIR
    else:
        assert name.startswith("test_opscenter")
        assert str(connection.settings_dict["PORT"]) in os.environ["DATABASE_URL"]
