"""`python -m tests.proofs [NUMBER ...]`: runs the proofs whole, on SQLite and PostgreSQL, and writes docs/proofs.md.

Each proof's figures are kept in var/proofs, so that one may be run again without the others. What fails, the
file and the exit code say.
"""

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path

from tests.proofs import report

ROOT = Path(__file__).resolve().parent.parent.parent
NO_TESTS_COLLECTED = 5
INTERRUPTED = 2
# Of one database; several times what they take on an idle machine.
LONGEST_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="make proof", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="of the proofs to run; all unless given")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="by chance unless given")
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="both unless given")
    options = parser.parse_args()
    folder = Path(os.environ.get("DATA_DIR") or ROOT / "var") / "proofs"
    print(f"seed {options.seed}", flush=True)
    failed = False
    for database in [options.database] if options.database else ["sqlite", "postgres"]:
        forget(folder, options.numbers, database)
        code = run(database, options.numbers, options.seed, folder)
        failed |= code not in (0, NO_TESTS_COLLECTED)
    report.write(folder, ROOT / "docs" / "proofs.md")
    print(f"{'FAILED' if failed else 'held'}; docs/proofs.md says what was seen")
    return int(failed)


def run(database: str, numbers: list[int], seed: int, folder: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "tests.services", "-p", "tests.proofs.plugin", "tests/proofs"]
    options = [f"--database={database}", f"--proofs={','.join(map(str, numbers))}", f"--proof-seed={seed}"]
    # Chance is the proofs' own, by their seed.
    quiet = ["-p", "no:randomly", "-v", "--show-capture=no", "--durations=0", "--durations-min=1"]
    whole = ["--whole", f"--figures={folder}"]
    try:
        done = subprocess.run([*command, *options, *quiet, *whole], cwd=ROOT, check=False, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        print(f"the proofs on {database} did not end within {LONGEST_S / 60:.0f} minutes", flush=True)
        return INTERRUPTED
    return done.returncode


def forget(folder: Path, numbers: list[int], database: str) -> None:
    """What fails this time leaves no figures of another time behind."""
    for number in map(str, numbers or "*"):
        for path in folder.glob(f"{number}-{database}-*.json"):
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
