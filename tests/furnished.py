"""The database that installations begin with, made once in a process and copied: making it takes seconds."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet

from tests import ROOT
from tests.postgres_server import create_database

CREDITS = 1_000_000


@dataclass(frozen=True, slots=True)
class People:
    """Alice, the operator, and the virtual key of Bob, who is rich and on the starter tier."""

    password: str
    key: str


@dataclass(frozen=True, slots=True)
class Furnished:
    """Where a migrated database with those people is; what it stores encrypted is under `ring`."""

    url: str
    people: People
    ring: str

    def copy(self, name: str, folder: Path) -> str:
        """Its URL: on the same PostgreSQL under `name`, or a file in `folder`."""
        if self.url.startswith("postgres"):
            return create_database(self.url, name, template=Path(self.url).name)
        shutil.copy(self.url.removeprefix("sqlite:///"), folder / "db.sqlite3")
        return f"sqlite:///{folder / 'db.sqlite3'}"


@cache
def furnished() -> Furnished:
    """Of the same kind as the run's."""
    folder = Path(tempfile.mkdtemp(prefix="furnished-", dir=os.environ["DATA_DIR"]))
    url = f"sqlite:///{folder / 'db.sqlite3'}"
    if os.environ["DATABASE_URL"].startswith("postgres"):
        url = create_database(os.environ["DATABASE_URL"], folder.name)
    environment = {
        **os.environ,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "BYOK_ENCRYPTION_KEY": (ring := Fernet.generate_key().decode()),
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "REDIS_URL": "",
    }
    manage(environment, "migrate")
    # Once here, or every start of a test would do it.
    manage(environment, "import_models", "--starting-catalog", "--apply")
    return Furnished(url, move_in(environment), ring)


def move_in(environment: Mapping[str, str]) -> People:
    password = secrets.token_urlsafe(16)
    operator = {
        "DJANGO_SUPERUSER_USERNAME": "alice",
        "DJANGO_SUPERUSER_PASSWORD": password,
        "DJANGO_SUPERUSER_EMAIL": "alice@example.org",
    }
    manage({**environment, **operator}, "createsuperuser", "--noinput")
    return People(password, new_key(environment, "bob", credits=CREDITS))


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
