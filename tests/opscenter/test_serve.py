"""What refuses to start, and says why in one line."""

import socket
from typing import Any

import pytest
import uvicorn
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor

from opscenter.management.commands.worker import make_folders
from opscenter.processes import free_port


@pytest.fixture
def used_port() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Config]:
    """What the web processes would have been started with."""
    calls: list[uvicorn.Config] = []
    monkeypatch.setattr("opscenter.workers.serve", calls.append)
    return calls


@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_used_port_is_refused_before_anything_is_done(command: str, used_port: int) -> None:
    with pytest.raises(CommandError, match=f"Port {used_port} is in use"):
        call_command(command, host="127.0.0.1", port=used_port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CommandError, match=r"Can't listen on 192\.0\.2\.1"):
        call_command("serve", host="192.0.2.1", port=18099)


@pytest.mark.django_db
def test_an_unfinished_schema_is_refused(monkeypatch: pytest.MonkeyPatch, served: list[Any]) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("one", False)])
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        call_command("serve", host="127.0.0.1", port=free_port(preferred=0))
    assert not served


@pytest.mark.django_db
def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch, served: list[Any]) -> None:
    def away(connection: Any) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr("opscenter.management.commands.serve.MigrationExecutor", away)
    call_command("serve", host="127.0.0.1", port=free_port(preferred=0))
    assert served


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("10.0.0.0/8", True)])
def test_forwarding_headers_are_believed_of_named_proxies_alone(
    proxies: str, believed: bool, served: list[uvicorn.Config], settings: Any
) -> None:
    settings.FORWARDED_ALLOW_IPS = proxies
    call_command("serve", host="127.0.0.1", port=free_port(preferred=0))
    assert served[0].proxy_headers is believed
    assert served[0].forwarded_allow_ips == proxies


def test_a_preferred_port_that_is_taken_is_replaced(used_port: int) -> None:
    assert free_port(preferred=used_port) not in (0, used_port)


def test_the_worker_makes_the_folders_of_the_filesystem_broker(tmp_path: Any, settings: Any) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(tmp_path / "a"),
        "data_folder_out": str(tmp_path / "b"),
        "control_folder": str(tmp_path / "c"),
    }
    make_folders()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "c"}
