"""How each operation answered whom it knows, so that one that nothing came through to isn't taken for a sound one."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import httpx

# Of an address what its group is called by.
_PARTS = 5
_MOST_CODES = 3


@dataclass(slots=True)
class Answers:
    """By operation: classes of statuses ("2xx"), and the codes of refusals."""

    classes: dict[str, Counter[str]] = field(default_factory=dict)
    refusals: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, operation: str, answer: httpx.Response) -> None:
        self.classes.setdefault(operation, Counter())[f"{answer.status_code // 100}xx"] += 1
        if not answer.is_success:
            self.refusals.setdefault(operation, Counter())[f"{answer.status_code} {_code_of(answer)}".strip()] += 1

    def unserved(self, operations: Iterable[str]) -> list[str]:
        """Those that nobody had success with."""
        return [name for name in operations if not self.classes.get(name, Counter())["2xx"]]

    def rows(self, alone: Iterable[str]) -> Iterator[str]:
        """Of a table in Markdown: a row for each operation of `alone`, then for each group of the others."""
        groups = {name: name if name in alone else _group_of(name) for name in self.classes}
        for group in dict.fromkeys(sorted(groups.values(), key=lambda found: (found not in alone, found))):
            names = [name for name, found in groups.items() if found == group]
            counted = sum((self.classes[name] for name in names), Counter())
            refused = sum((self.refusals.get(name, Counter()) for name in names), Counter())
            most = ", ".join(f"{code} ({number})" for code, number in refused.most_common(_MOST_CODES))
            yield f"| {group} | {counted['2xx']} | {counted['4xx']} | {counted['5xx']} | {_share(counted)} % | {most} |"


def _group_of(operation: str) -> str:
    path = operation.partition(" ")[2].partition("{")[0]
    return "/".join(path.rstrip("/").split("/")[:_PARTS])


def _share(counted: Counter[str]) -> int:
    return round(100 * counted["2xx"] / counted.total())


def _code_of(answer: httpx.Response) -> str:
    try:
        error = json.loads(answer.content)["error"]
        return str(error.get("code") or error.get("type"))[:60]
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
