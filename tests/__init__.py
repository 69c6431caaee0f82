"""The tests, by app; what they run against is theirs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
