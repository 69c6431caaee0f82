"""pytest plugin (`-p tests.fuzz.plugin`) of a whole run: how much, from which seed, and where figures go."""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzz")
    group.addoption("--fuzz-cases", type=int, help="at least so many, in whole rounds of some 8,000")
    group.addoption("--fuzz-seed", type=int, default=0, help="the cases follow from it")
    group.addoption("--fuzz-minutes", type=float, default=60, help="after which no further round begins")
    group.addoption("--fuzz-figures", type=Path, help="the file for what was seen")
