"""Writes docs/proofs.md from the figures that the tests left: what was run, when, on what, and what was seen."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

HEAD = """\
# Proofs

What `make proof` saw; it writes this file, and nobody else does. Each proof runs reduced in `make test` too. It takes
web processes, workers, PostgreSQL and Redis as they are in use, breaks them, and compares the books with what clients
were told and with the test upstream's own log. *Without the guard* is the negative control: the same with the guard
taken away, to show that there is something to prove; controls that start a gateway of their own run here alone.
`make proof ARGS="3 8"` runs two of them, `ARGS="--seed 7"` all with a seed. A test that failed, or did not come to its
end, says FAILED here.
"""
Figures = dict[str, Any]


def write(folder: Path, path: Path) -> None:
    """One section per proof; one that never ran has none."""
    found = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    found.sort(key=lambda figures: (figures["proof"], figures["title"], figures["test"], figures["database"]))
    sections = [_proof(number, list(tests)) for number, tests in groupby(found, key=lambda figures: figures["proof"])]
    took_s = sum(figures["took_s"] for figures in found)
    failed = sum(not figures.get("held") for figures in found)
    result = f"**{failed} of {len(found)} tests FAILED.**" if failed else f"All {len(found)} tests held."
    path.write_text("\n".join([HEAD, f"{result} They took {took_s / 60:.0f} minutes in all.\n", *sections]))


def environment() -> dict[str, str]:
    """What the figures hold for."""
    packages = ("django", "psycopg", "uvicorn", "celery", "hypothesis")
    return {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _git("rev-parse", "--short", "HEAD"),
        "on": ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _proof(number: int, tests: list[Figures]) -> str:
    parts = [f"## Proof {number}\n"]
    for (_, _), same in groupby(tests, key=lambda figures: (figures["title"], figures["test"])):
        runs = list(same)
        parts += [f"**{runs[0]['title']}** (`{runs[0]['test']}`)\n", *map(_run, runs)]
    return "\n".join(parts)


def _run(figures: Figures) -> str:
    size = "whole" if figures["whole"] else "reduced"
    failed = "" if figures.get("held") else "**FAILED**, "
    lines = [
        f"{failed}{figures['database'].capitalize()}, {size}, seed {figures['seed']}, {figures['took_s']:g} s, "
        f"{figures['at']}, commit {figures['commit']}, {figures['on']}:\n"
    ]
    lines += [f"- {what}: {_figure(value)}" for what, value in figures["seen"].items()]
    lines += [f"- *without the guard:* {what}: {_figure(value)}" for what, value in figures["controls"].items()]
    return "\n".join(lines) + "\n"


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
