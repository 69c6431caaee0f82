"""What was installed is what was locked, and runs nothing of its own at start."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent.parent


def test_no_unexpected_pth_file_runs_at_the_start_of_python() -> None:
    found = {path.name for path in Path(pytest.__file__).parent.parent.glob("*.pth")}
    assert found <= {"distutils-precedence.pth", "a1_coverage.pth"}


@pytest.mark.parametrize("stealer", ["1.82.7", "1.82.8"])
def test_the_poisoned_releases_of_litellm_stay_excluded(stealer: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (litellm,) = (asked for asked in map(Requirement, project["dependencies"]) if asked.name == "litellm")
    assert f"!={stealer}" in str(litellm.specifier)
    assert version("litellm") != stealer
