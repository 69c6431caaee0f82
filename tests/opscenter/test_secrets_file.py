"""The secrets of an installation on one machine."""

import stat
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

from opscenter import secrets_file


def values(path: Path) -> dict[str, str]:
    lines = (line for line in path.read_text().splitlines() if not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_fresh_secrets_are_usable_and_for_their_owner_alone(tmp_path: Path) -> None:
    path = secrets_file.ensure(tmp_path / "var")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Fernet(values(path)["BYOK_ENCRYPTION_KEY"])
    assert len(values(path)["SECRET_KEY"]) >= 50


def test_secrets_that_are_there_are_never_replaced(tmp_path: Path) -> None:
    before = secrets_file.ensure(tmp_path).read_bytes()
    assert secrets_file.ensure(tmp_path).read_bytes() == before


def test_two_installations_have_different_secrets(tmp_path: Path) -> None:
    one, other = (values(secrets_file.ensure(tmp_path / name)) for name in ("one", "other"))
    assert not set(one.values()) & set(other.values())


def test_the_command_line_names_the_directory(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "opscenter.secrets_file", str(tmp_path)], check=True)
    assert (tmp_path / "secrets.env").exists()
