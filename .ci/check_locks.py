"""Checks, offline, that the lock files fit pyproject.toml: what is asked for is pinned, by hash, within its range.

The proxy that the bench measures is of the same version as the library. `make lock` compiles them anew.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)


def pins(path: Path) -> dict[str, set[str]]:
    """Versions by package: several where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for match in _PIN.finditer(path.read_text()):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


def unhashed(path: Path) -> Iterator[str]:
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text().strip())
    for entry in entries:
        if "--hash=sha256:" not in entry:
            yield f"{path.name}: {entry.splitlines()[0]} has no hash"


def unfit(path: Path, wanted: Iterable[str]) -> Iterator[str]:
    locked = pins(path)
    for requirement in map(Requirement, wanted):
        versions = locked.get(canonicalize_name(requirement.name), set())
        if not versions:
            yield f"{path.name}: {requirement} is not in it"
        for version in versions:
            if not requirement.specifier.contains(version, prereleases=True):
                yield f"{path.name}: {requirement.name} {version} is not {requirement.specifier}"


def problems() -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, dev = ROOT / "requirements.lock", ROOT / "requirements-dev.lock"
    yield from unfit(runtime, project["project"]["dependencies"])
    yield from unfit(dev, [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])
    proxy = ROOT / "bench" / "litellm-proxy.lock"
    yield from unfit(proxy, [f"litellm=={version}" for version in pins(runtime)["litellm"]])
    for path in (runtime, dev, proxy):
        yield from unhashed(path)
        if re.search(r"https?://", path.read_text()):
            yield f"{path.name} names a download host"
    for name, versions in pins(runtime).items():
        if pins(dev).get(name) != versions:
            yield f"{name} is {versions} in {runtime.name}, but {pins(dev).get(name)} in {dev.name}"


if __name__ == "__main__":
    found = list(problems())
    for problem in found:
        print(problem)
    sys.exit("The locks don't fit pyproject.toml: run `make lock`." if found else 0)
