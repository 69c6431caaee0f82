"""What a run saw, and docs/fuzzing.md from it."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.answers import Answers
from tests.fuzz.plausible import INFERENCE

HEAD = """# Fuzzing

`make fuzz` asks every operation of the OpenAPI description for what it allows, for what it doesn't, and for what no
description has (tests/fuzz/odd.py), as a superuser, an LLM admin, an LLM user and nobody, and writes this file. No
answer may be a failure of ours (500), hold a secret, or be of a status, type, header or shape that is not described;
nobody may be answered anything but a refusal where a credential is asked for. `make test` does so with a few cases.
"""
AS_ANSWERED = """
What the first three were answered, whatever was odd about it: by each operation that asks a model or tries a provider's
key, and by groups of the others. A run fails where one of the former never answers with success. Each has a key of
their own under /llm/providers, so that of three who ask for one, two are told that there is none.

| operation | 2xx | 4xx | 5xx | success | most often refused by |
|---|---|---|---|---|---|"""
FOUND = "## Found and mended"
_EXAMPLES = 2


@dataclass(slots=True)
class Seen:
    """`statuses` by who asked; `failures` by kind, with some of their cases; `slowest` in seconds."""

    secrets: tuple[str, ...] = ()
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    unsendable: int = 0
    slowest: tuple[float, str] = (0.0, "")

    def fail(self, kind: str, example: str) -> None:
        self.failures[kind] += 1
        if len(kept := self.examples.setdefault(kind, [])) < _EXAMPLES:
            kept.append(example)

    def told(self) -> str:
        return "\n".join(
            f"{kind} ({number} times)\n    " + "\n    ".join(self.examples[kind])
            for kind, number in self.failures.most_common()
        )

    @property
    def cases(self) -> int:
        return sum(sum(counted.values()) for counted in self.statuses.values())

    def page(self, *, seed: int, operations: list[str], took_s: float) -> str:
        every = sorted({status for counted in self.statuses.values() for status in counted})
        rows = [
            f"| {who} | {' | '.join(str(counted[status]) for status in every)} |"
            for who, counted in self.statuses.items()
        ]
        never = ", ".join(f"`{name}`" for name in self.answers.unserved(operations))
        return "\n".join(
            [
                HEAD,
                f"{self.cases} cases of {len(operations)} operations from seed {seed} in {took_s:.0f} s: "
                f"{self.failures.total()} failures.",
                f"{self.unsendable} more made no HTTP request. The slowest answer took {self.slowest[0]:.1f} s "
                f"({self.slowest[1]}).\n",
                f"| asked by | {' | '.join(map(str, every))} |",
                f"|---{'|---' * len(every)}|",
                *rows,
                AS_ANSWERED,
                *self.answers.rows(alone=INFERENCE),
                *(["", f"Nobody had success with: {never}."] if never else []),
                *(["", "## Failures", ""] if self.failures else []),
                *(f"- {kind} ({number} times)" for kind, number in self.failures.most_common()),
                "",
            ]
        )


def write(page: str, path: Path) -> None:
    """What people wrote below FOUND stays."""
    _, _, kept = path.read_text().partition(FOUND) if path.exists() else ("", "", "")
    path.write_text(f"{page}\n{FOUND}{kept}")
