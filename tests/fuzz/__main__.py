"""`python -m tests.fuzz --cases 20000`: asks the API what its description allows for, and what it doesn't.

Runs on PostgreSQL and writes docs/fuzzing.md; what fails, the file and the exit code say.
"""

import argparse
import secrets
import subprocess
import sys

from tests import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="at least, in rounds of some 8,000")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="by chance unless given")
    parser.add_argument("--minutes", type=float, default=60, help="after which no further round of cases begins")
    options = parser.parse_args()
    command = [sys.executable, "-m", "pytest", "-p", "tests.services", "-p", "tests.fuzz.plugin", "tests/fuzz"]
    size = [f"--fuzz-cases={options.cases}", f"--fuzz-seed={options.seed}", f"--fuzz-minutes={options.minutes}"]
    figures = f"--fuzz-figures={ROOT / 'docs' / 'fuzzing.md'}"
    quiet = ["--database=postgres", "-p", "no:randomly", "--show-capture=no"]
    print(f"seed {options.seed}", flush=True)
    return subprocess.run([*command, *size, *quiet, figures], cwd=ROOT, check=False).returncode


sys.exit(main())
