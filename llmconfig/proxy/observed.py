"""What a LiteLLM proxy says that it serves, and how that differs from what it should."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmconfig.proxy.client import ProxyClient
from llmconfig.proxy.desired import FINGERPRINT, PREFIX, Desired, Entry
from llmconfig.proxy.documents import REVISION

_NOT_SHOWN = {"api_key"}


@dataclass(frozen=True, slots=True)
class Served:
    """One of the proxy's models that is ours. `is_stored`: in its database, not in its config.yaml."""

    id: str
    model_name: str
    params: Mapping[str, Any]
    info: Mapping[str, Any]

    @property
    def is_stored(self) -> bool:
        return bool(self.info.get("db_model"))


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: missing, changed, outdated (an earlier state of ours) or extra."""

    kind: str
    model: str
    detail: str


async def served(client: ProxyClient) -> dict[str, Served]:
    """By id. Raises ProxyError."""
    answer = await client.ask("GET", "/v1/model/info")
    found = (_served(row) for row in answer.get("data", ()))
    return {one.id: one for one in found if one.id.startswith(PREFIX)}


def _served(row: Mapping[str, Any]) -> Served:
    info = row.get("model_info") or {}
    return Served(
        id=str(info.get("id", "")),
        model_name=str(row.get("model_name", "")),
        params=row.get("litellm_params") or {},
        info=info,
    )


def differences(desired: Desired, found: Mapping[str, Served], *, revision: str = "") -> list[Difference]:
    """`revision`: that of the files, where the proxy is to have loaded them."""
    wanted = {entry.id: entry for entry in desired.entries}
    return [*_of_entries(wanted.values(), found, revision), *_extra(found, wanted)]


def altered(entry: Entry, there: Served) -> list[str]:
    """Names of the parameters that somebody changed on the proxy."""
    return sorted(
        name for name, value in entry.params.items() if name not in _NOT_SHOWN and there.params.get(name) != value
    )


def _of_entries(entries: Iterable[Entry], found: Mapping[str, Served], revision: str) -> Iterator[Difference]:
    for entry in entries:
        there = found.get(entry.id)
        if there is None:
            yield Difference("missing", entry.model_name, "The proxy does not serve it.")
        elif there.info.get(FINGERPRINT) != entry.fingerprint:
            yield Difference("outdated", entry.model_name, "The proxy has an earlier state of it.")
        elif there.model_name != entry.model_name or (names := altered(entry, there)):
            yield Difference("changed", entry.model_name, f"On the proxy differs: {', '.join(names or ['name'])}.")
        elif revision and there.info.get(REVISION) != revision:
            yield Difference("outdated", entry.model_name, "The proxy has not loaded the files as they are now.")


def _extra(found: Mapping[str, Served], wanted: Mapping[str, Entry]) -> Iterator[Difference]:
    for id, there in found.items():
        if id not in wanted:
            yield Difference("extra", there.model_name, "The proxy still serves it.")
