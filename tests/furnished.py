"""The database that installations begin with, made once in a run and copied: making it takes seconds."""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet

from tests import ROOT
from tests.postgres_server import copy_database, create_database

CREDITS = 1_000_000
# One process for what would be several: each loads everything anew.
MIGRATE = """
from django.core.management import call_command
from tests.first_rows import no_trial
call_command("migrate", verbosity=0)
no_trial()
call_command("import_models", "--starting-catalog", "--apply")
"""
MOVE_IN = f"""
from django.core.management import call_command
from tests.first_rows import no_trial
no_trial()
call_command("createsuperuser", "--noinput", verbosity=0)
call_command("create_virtual_key", "--user", "bob", "--tier", "starter", "--credits", "{CREDITS}")
"""


@dataclass(frozen=True, slots=True)
class People:
    """Alice, the operator, and the virtual key of Bob, who is rich and on the starter tier."""

    password: str
    key: str


@dataclass(frozen=True, slots=True)
class Furnished:
    """Where a migrated database with those people is, and one with nobody; what is stored encrypted is under `ring`."""

    url: str
    empty_url: str
    people: People
    ring: str

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        return cls(**{**fields, "people": People(**fields["people"])})

    def copy(self, name: str, folder: Path, *, is_empty: bool = False) -> str:
        """Its URL: on the same PostgreSQL under `name`, or a file in `folder`."""
        return _copied(self.empty_url if is_empty else self.url, name, folder)

    def copy_into(self, url: str) -> bool:
        """The empty database of another server; False where that is of another kind than the run's."""
        if not (url.startswith("postgres") and self.url.startswith("postgres")):
            return False
        copy_database(self.url, url)
        return True


@cache
def furnished() -> Furnished:
    """Of the same kind as the run's, whose processes share it."""
    shared = Path(os.environ["DATA_DIR"]) / "furnished.json"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            shared.write_text(json.dumps(asdict(_furnish())))
    return Furnished.from_json(shared.read_text())


def _furnish() -> Furnished:
    folder = Path(tempfile.mkdtemp(prefix="furnished-", dir=os.environ["DATA_DIR"]))
    empty_url = f"sqlite:///{folder / 'empty.sqlite3'}"
    if os.environ["DATABASE_URL"].startswith("postgres"):
        empty_url = create_database(os.environ["DATABASE_URL"], f"{folder.name}-empty")
    environment = {
        **os.environ,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "BYOK_ENCRYPTION_KEY": (ring := Fernet.generate_key().decode()),
        "DATA_DIR": str(folder),
        "REDIS_URL": "",
    }
    # With the catalog, or every start of a test would bring it.
    manage({**environment, "DATABASE_URL": empty_url}, "shell", "-v0", "-c", MIGRATE)
    url = _copied(empty_url, folder.name, folder)
    return Furnished(url, empty_url, move_in({**environment, "DATABASE_URL": url}), ring)


def _copied(url: str, name: str, folder: Path) -> str:
    if url.startswith("postgres"):
        return create_database(url, name, template=Path(url).name)
    shutil.copy(url.removeprefix("sqlite:///"), folder / "db.sqlite3")
    return f"sqlite:///{folder / 'db.sqlite3'}"


def move_in(environment: Mapping[str, str]) -> People:
    password = secrets.token_urlsafe(16)
    operator = {
        "DJANGO_SUPERUSER_USERNAME": "alice",
        "DJANGO_SUPERUSER_PASSWORD": password,
        "DJANGO_SUPERUSER_EMAIL": "alice@example.org",
    }
    printed = manage({**environment, **operator}, "shell", "-v0", "-c", MOVE_IN)
    return People(password, printed.strip().splitlines()[-1])


def new_key(
    environment: Mapping[str, str],
    user: str,
    *,
    credits: int = 0,
    power_level: str = "precision",
    limits: Mapping[str, int] | None = None,
) -> str:
    """`limits` are "rpm", "tpm" and "concurrency"."""
    printed = manage(
        environment,
        "create_virtual_key",
        *("--user", user, "--tier", "starter", "--credits", str(credits), "--power-level", power_level),
        *(text for name, most in (limits or {}).items() for text in (f"--{name}", str(most))),
    )
    return printed.strip().splitlines()[-1]


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    """Runs a management command; its standard output. AssertionError unless it exits with 0."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout
