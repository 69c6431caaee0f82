"""Telling a running LiteLLM proxy, over its management API, what to serve: only what differs, and no restart.

Credentials come before the models that name them, and go after them. What fails is noted, and the rest goes on.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from llmconfig.errors import ProxyError, ProxyRefusedKey, ProxyRejected, ProxyUnreachable
from llmconfig.proxy.client import ProxyClient
from llmconfig.proxy.desired import FINGERPRINT, Credential, Desired, Entry
from llmconfig.proxy.observed import Served, altered, served

MANAGED_BY = "opscenter"
_CREDENTIAL = "litellm_credential_name"
_OPTIONAL = {"api_base", _CREDENTIAL, "rpm", "tpm", "max_parallel_requests"}


@dataclass(slots=True)
class Published:
    """What was done, by number; `failures` says in words what was not."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def changes(self) -> int:
        return self.created + self.updated + self.deleted


async def publish(client: ProxyClient, desired: Desired, *, until: float) -> Published:
    """Raises ProxyUnreachable, ProxyRefusedKey. Begins nothing after `until` (in time.monotonic())."""
    work = _Work(client, desired, until)
    await work.credentials()
    await work.models()
    await work.leftover_credentials()
    return work.done


async def has_database(client: ProxyClient) -> bool:
    """Without one a proxy stores nothing that it is told."""
    answer = await client.ask("GET", "/health/readiness")
    return bool(answer.get("db") == "connected")


class _Work:
    def __init__(self, client: ProxyClient, desired: Desired, until: float) -> None:
        self._client = client
        self._desired = desired
        self._until = until
        self._known: dict[str, Mapping[str, Any]] = {}
        self._unusable: set[str] = set()
        self.done = Published()

    async def credentials(self) -> None:
        answer = await self._client.ask("GET", "/credentials")
        self._known = {
            row["credential_name"]: row.get("credential_info") or {}
            for row in answer.get("credentials", ())
            if (row.get("credential_info") or {}).get("managed_by") == MANAGED_BY
        }
        for credential in self._desired.credentials.values():
            info = self._known.get(credential.name)
            if info is None:
                stored = await self._try(credential.name, "created", partial(self._create, credential))
            elif info.get(FINGERPRINT) != credential.fingerprint:
                stored = await self._try(credential.name, "updated", partial(self._replace, credential))
            else:
                stored = True
            if not stored:
                self._unusable.add(credential.name)

    async def models(self) -> None:
        there = {id: one for id, one in (await served(self._client)).items() if one.is_stored}
        wanted = {entry.id: entry for entry in self._desired.entries}
        for id, entry in wanted.items():
            if entry.credential and entry.credential.name in self._unusable and id not in there:
                self.done.failures.append(f"{entry.model_name}: not created, for its credential is missing.")
            elif id not in there:
                await self._try(entry.model_name, "created", partial(self._add, entry))
            elif _differs(entry, there[id]):
                await self._try(entry.model_name, "updated", partial(self._change, entry, there[id]))
        for id, former in there.items():
            if id not in wanted:
                await self._try(former.model_name, "deleted", partial(self._remove, id))

    async def leftover_credentials(self) -> None:
        """Kept where something failed: a model that could not be changed may still need its own."""
        if self.done.failures:
            return
        for name in self._known.keys() - self._desired.credentials.keys():
            await self._try(name, "deleted", partial(self._client.ask, "DELETE", _credential_path(name)))

    async def _try(self, what: str, count: str, call: Callable[[], Awaitable[Any]]) -> bool:
        """Whether it was done; a proxy that is gone or refuses the key ends everything."""
        if time.monotonic() > self._until:
            self.done.failures.append(f"{what}: not {count} yet, for the sync took too long.")
            return False
        try:
            await call()
        except (ProxyUnreachable, ProxyRefusedKey):
            raise
        except ProxyError as error:
            self.done.failures.append(f"{what}: not {count}. {error.message}")
            return False
        setattr(self.done, count, getattr(self.done, count) + 1)
        return True

    async def _create(self, credential: Credential) -> None:
        await self._client.ask("POST", "/credentials", body=_credential_body(credential))

    async def _replace(self, credential: Credential) -> None:
        body = _credential_body(credential)
        await self._client.ask("PATCH", _credential_path(credential.name), body=body)

    async def _add(self, entry: Entry) -> None:
        await self._client.ask("POST", "/model/new", body=_model_body(entry))

    async def _change(self, entry: Entry, former: Served) -> None:
        """A patch can't take parameters away: what lost one is made anew. Of a key of its own, which the proxy does
        not show, a credential that was not there before tells."""
        wanted = _model_body(entry)["litellm_params"].keys()
        if (former.params.keys() & _OPTIONAL) - wanted or _CREDENTIAL in wanted - former.params.keys():
            await self._remove(entry.id)
            await self._add(entry)
        else:
            await self._client.ask("PATCH", f"/model/{quote(entry.id, safe='')}/update", body=_model_body(entry))

    async def _remove(self, id: str) -> None:
        """One that is gone already is answered 400."""
        try:
            await self._client.ask("POST", "/model/delete", body={"id": id})
        except ProxyRejected as error:
            if error.answered not in (400, 404):
                raise


def _differs(entry: Entry, there: Served) -> bool:
    return (
        there.info.get(FINGERPRINT) != entry.fingerprint
        or there.model_name != entry.model_name
        or bool(altered(entry, there))
    )


def _model_body(entry: Entry) -> dict[str, Any]:
    named = {_CREDENTIAL: entry.credential.name} if entry.credential else {}
    return {
        "model_name": entry.model_name,
        "litellm_params": {**entry.params, **named},
        "model_info": entry.marked_info,
    }


def _credential_body(credential: Credential) -> dict[str, Any]:
    return {
        "credential_name": credential.name,
        "credential_values": {"api_key": credential.value},
        "credential_info": {
            "custom_llm_provider": credential.provider,
            "managed_by": MANAGED_BY,
            FINGERPRINT: credential.fingerprint,
        },
    }


def _credential_path(name: str) -> str:
    return f"/credentials/{quote(name, safe='')}"
