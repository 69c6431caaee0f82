"""The environment: what wins, what is refused, what the checks say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool.base import AttemptWithBackoff

from opscenter import checks, secrets_file


def run_settings(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Import the settings in a process of their own and print an expression of them as JSON."""
    source = f"import json; from opscenter import settings; print(json.dumps({expression}))"
    return subprocess.run(
        [sys.executable, "-c", source],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def read(expression: str, **environment: str) -> Any:
    done = run_settings(expression, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_missing_secrets_are_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = run_settings("1", DATA_DIR=str(tmp_path), SECRET_KEY="", BYOK_ENCRYPTION_KEY="")
    assert refused.returncode != 0
    assert "make install" in refused.stderr


def test_the_secrets_file_is_read_and_the_environment_wins_over_it(tmp_path: Path) -> None:
    written = secrets_file.ensure(tmp_path).read_text()
    secret_key, byok = read(
        "[settings.SECRET_KEY, settings.BYOK_ENCRYPTION_KEY]", DATA_DIR=str(tmp_path), SECRET_KEY="of the environment"
    )
    assert secret_key == "of the environment"
    assert f"BYOK_ENCRYPTION_KEY={byok}\n" in written


@pytest.mark.parametrize("addresses", [{}, {"DATABASE_URL": "", "REDIS_URL": ""}], ids=["unset", "empty"])
def test_without_addresses_the_data_directory_holds_everything(tmp_path: Path, addresses: dict[str, str]) -> None:
    secrets_file.ensure(tmp_path)
    name, broker = read(
        "[str(settings.DATABASES['default']['NAME']), settings.CELERY_BROKER_TRANSPORT_OPTIONS]",
        DATA_DIR=str(tmp_path),
        **addresses,
    )
    assert all(path.startswith(str(tmp_path)) for path in (name, *broker.values()))


def test_keys_and_hosts_of_providers_are_read_by_their_usual_names(tmp_path: Path) -> None:
    secrets_file.ensure(tmp_path)
    providers = (
        "openrouter",
        "openai",
        "anthropic",
        "groq",
        "together",
        "fireworks",
        "deepinfra",
        "huggingface",
        "google",
    )
    given = {f"{slug.upper()}_API_KEY": f" of {slug}\t" for slug in providers}
    keys, hosts = read(
        "[settings.PLATFORM_API_KEYS, settings.AI_SERVER_HOSTS]",
        DATA_DIR=str(tmp_path),
        VLLM_HOST="gpu1",
        OLLAMA_HOST="gpu2:11434",
        **given,
    )
    assert list(keys.items()) == [(slug, f"of {slug}") for slug in providers]
    assert hosts == {"vllm": "gpu1", "ollama": "gpu2:11434"}


def test_every_variable_is_described_for_operators() -> None:
    root = Path(checks.__file__).parent.parent
    described = (root / ".env.example").read_text()
    named = set(re.findall(r'\benv(?:\.\w+)?\("(\w+)"', (root / "opscenter/settings/__init__.py").read_text()))
    assert "PORT" in named
    assert [name for name in sorted(named) if f"{name}=" not in described] == []


@pytest.mark.parametrize("rate", ["0", "-1", "many", "1000001", "NaN"])
def test_a_credit_rate_that_is_no_number_is_an_error(rate: str, settings: Any) -> None:
    settings.CREDITS_PER_USD = rate
    assert [found.id for found in checks.credits_per_usd_is_a_number()] == ["opscenter.E001"]


@pytest.mark.parametrize("rate", ["1000", "1", "0.5"])
def test_a_credit_rate_is_any_number_above_zero(rate: str, settings: Any) -> None:
    settings.CREDITS_PER_USD = rate
    assert checks.credits_per_usd_is_a_number() == []


@pytest.mark.parametrize("key", ["short", "change-me-" + "x" * 50, "django-insecure-" + "x" * 50])
def test_a_placeholder_for_the_secret_key_is_an_error(key: str, settings: Any) -> None:
    settings.SECRET_KEY = key
    assert [found.id for found in checks.secret_key_is_no_placeholder()] == ["opscenter.E002"]


def test_a_lease_shorter_than_four_heartbeats_is_an_error(settings: Any) -> None:
    settings.LEASE_S, settings.HEARTBEAT_S = 10, 3
    assert [found.id for found in checks.lease_outlives_heartbeats()] == ["opscenter.E003"]


@pytest.mark.parametrize(("kept_s", "most"), [(600, 1), (86400, -1)])
def test_answers_that_would_be_forgotten_before_their_calls_end_are_an_error(
    kept_s: int, most: int, settings: Any
) -> None:
    assert checks.answers_are_kept_for_longer_than_calls_take() == []
    settings.IDEMPOTENCY_KEPT_S, settings.IDEMPOTENCY_MAX_BYTES = kept_s, most
    assert [found.id for found in checks.answers_are_kept_for_longer_than_calls_take()] == ["opscenter.E014"]


def test_several_workers_without_redis_are_warned_of(settings: Any) -> None:
    settings.WEB_CONCURRENCY, settings.REDIS_URL, settings.DEBUG = 2, "", False
    assert [found.id for found in checks.several_workers_want_redis()] == ["opscenter.W001"]
    settings.REDIS_URL = "redis://localhost"
    assert checks.several_workers_want_redis() == []


def test_no_pause_between_attempts_to_reach_a_lost_database_is_longer_than_a_page_waits(tmp_path: Path) -> None:
    secrets_file.ensure(tmp_path)
    somewhere = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgres://localhost/opscenter"}
    pool = read("settings.DATABASES['default']['OPTIONS']['pool']", **somewhere)
    attempts = AttemptWithBackoff(timeout=pool["reconnect_timeout"])
    now, pauses = 0.0, []
    while not attempts.time_to_give_up(now):
        attempts.update_delay(now)
        pauses.append(attempts.delay)
        now += attempts.delay
    assert max(pauses) < pool["timeout"], pauses
