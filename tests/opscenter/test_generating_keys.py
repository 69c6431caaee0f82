"""Keys are made, and checked, where they belong; none in use is replaced."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from opscenter import env_file
from opscenter.core.secrets import ring_keys
from tests import ROOT

NAME = "BYOK_ENCRYPTION_KEY"


def generate(*arguments: str | Path) -> str:
    said = StringIO()
    call_command("generate_encryption_key", *map(str, arguments), stdout=said)
    return said.getvalue().strip()


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    """Where nothing is configured yet."""
    settings.BYOK_ENCRYPTION_KEY = ""
    return tmp_path / "secrets.env"


@pytest.mark.parametrize("command", ["generate_encryption_key", "generate_master_key"])
def test_keys_are_made_where_none_is_set(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "SECRET_KEY": "", NAME: ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    if command == "generate_encryption_key":
        Fernet(done.stdout.strip())
    else:
        assert done.stdout.startswith("sk-")
        assert len(done.stdout.strip()) >= 43


def test_a_fresh_key_is_written_for_its_owner_alone(file: Path) -> None:
    file.write_text("SECRET_KEY=abc")

    generate("--write", file)

    assert file.stat().st_mode & 0o777 == 0o600
    first, second = file.read_text().splitlines()
    assert first == "SECRET_KEY=abc"
    assert len(ring_keys(second.removeprefix(f"{NAME}="))) == 1
    assert [path.name for path in file.parent.iterdir()] == ["secrets.env"]


def test_a_valid_ring_is_left_as_it_is(file: Path) -> None:
    generate("--write", file)
    before = file.read_text()

    assert "has a valid ring of 1. Nothing was changed." in generate("--write", file)
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [(f"{NAME}=no key", "no Fernet key"), (f"{NAME}=a\nexport {NAME}='b'\n", "stands in the file more than once")],
)
def test_a_ring_that_is_none_is_told_of_and_left(text: str, complaint: str, file: Path) -> None:
    file.write_text(text)

    with pytest.raises(CommandError, match=complaint):
        generate("--write", file)
    assert file.read_text() == text


def test_a_key_in_use_elsewhere_is_not_replaced_by_one_in_another_file(file: Path, settings: Any) -> None:
    settings.BYOK_ENCRYPTION_KEY = Fernet.generate_key().decode()

    with pytest.raises(CommandError, match="is set already"):
        generate("--write", file)
    assert not file.exists()


@pytest.mark.parametrize("quote", ["", "'"])
def test_rotating_puts_a_fresh_key_in_front_of_the_ring(quote: str, file: Path) -> None:
    former = Fernet.generate_key().decode()
    file.write_text(f"# kept\nexport {NAME}={quote}{former}{quote}\nSECRET_KEY=abc\n")

    generate("--write", file, "--rotate")

    fresh, _, rest = (env_file.read(file, NAME) or "").partition(",")
    assert rest == former
    assert fresh != former
    Fernet(fresh)
    assert file.read_text().startswith("# kept\n")
    assert file.read_text().endswith("SECRET_KEY=abc\n")
