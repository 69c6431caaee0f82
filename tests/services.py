"""pytest plugin (`-p tests.services`): gives a run its own secrets, database and Redis, before settings are read.

`--database=postgres` starts real servers once, in the process that was called; xdist's workers inherit their addresses,
and have a database of Redis each. They are stopped when the run ends, however it ends.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer, another_database


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("services").addoption(
        "--database",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="SQLite without Redis (the default), or real PostgreSQL and Redis",
    )
    parser.getgroup("services").addoption(
        "--again",
        action="store_true",
        help="leave out what ran with the other database and has nothing to do with either",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    # A wrapper, for pytest-django reads the settings in this very hook.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        prepare(early_config.known_args_namespace.database, early_config.add_cleanup)
    elif redis_url := os.environ["REDIS_URL"]:
        # Their deployments have the same numbers, and processes tell each other of them.
        os.environ["REDIS_URL"] = another_database(redis_url)
    yield


def pytest_report_header(config: pytest.Config) -> str:
    return f"database: {config.getoption('database')}"


def prepare(database: str, add_cleanup: Callable[[Callable[[], None]], None]) -> None:
    """Sets the environment of the run; what it starts is undone by cleanups."""
    # Programs are started hundreds of times: compiled once, each starts in half the time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    data_dir = Path(tempfile.mkdtemp(prefix="opscenter-tests-"))
    add_cleanup(lambda: shutil.rmtree(data_dir, ignore_errors=True))
    os.environ.update(
        {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "BYOK_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "DATA_DIR": str(data_dir),
            "DEBUG": "0",
            # Set even where it is the default: a .env file must not decide which database tests write to.
            "DATABASE_URL": f"sqlite:///{data_dir / 'db.sqlite3'}",
            "REDIS_URL": "",
            # Faults are told of as they come; tests/gateway/test_retries.py is about trying again.
            "UPSTREAM_RETRIES": "0",
        }
    )
    # Whoever runs the tests may have keys of their own, which no installation of a test should take over.
    own = [name for name in os.environ if name.endswith("_API_KEY") or name in ("VLLM_HOST", "OLLAMA_HOST")]
    os.environ.update(dict.fromkeys([*own, "STRIPE_SECRET_KEY"], ""))
    if database == "postgres":
        postgres, redis = PostgresServer(durable=False), RedisServer()
        add_cleanup(postgres.destroy)
        add_cleanup(redis.destroy)
        postgres.start()
        redis.start()
        os.environ["DATABASE_URL"] = postgres.url("opscenter")
        os.environ["REDIS_URL"] = redis.url()
