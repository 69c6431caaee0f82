"""The ways of telling the proxy: by its files, or by its management API. Each says how the proxy stands afterwards."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from django.conf import settings

from llmconfig.errors import ProxyError, ProxyUnreachable
from llmconfig.models import ProxyState
from llmconfig.proxy import documents, files, publishing, reloading
from llmconfig.proxy.client import ProxyClient
from llmconfig.proxy.desired import Desired
from llmconfig.proxy.lease import lease_s
from llmconfig.proxy.observed import Difference, differences, served

OFF, FILE, API = "off", "file", "api"
_LOOK_AGAIN_S = 1.0
_UNSEEN = (
    "The files are written. Whether the proxy has loaded them can't be seen: set LITELLM_PROXY_URL and "
    "LITELLM_MASTER_KEY."
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`done` says what was changed, for the audit log, and `failed` what was not; empty where nothing was."""

    status: str
    message: str = ""
    differences: list[Difference] = field(default_factory=list)
    done: Mapping[str, Any] = field(default_factory=dict)
    failed: Mapping[str, Any] = field(default_factory=dict)
    reload_failed: bool = False


class Mode(Protocol):
    def sync(self, desired: Desired, *, reload: bool) -> Outcome:
        """Tell the proxy what differs. `reload`: also have it read what it was told before."""

    def look(self, desired: Desired) -> Outcome:
        """See how the proxy stands, and change nothing."""


class FileMode:
    def sync(self, desired: Desired, *, reload: bool) -> Outcome:
        rendered = documents.render(desired)
        try:
            written = files.store(rendered, settings.LITELLM_CONFIG_DIR)
        except OSError as error:
            return Outcome(ProxyState.Status.FAILING, f"{settings.LITELLM_CONFIG_DIR}: {error.strerror}.")
        done = {"files": "written", "revision": rendered.revision} if written else {}
        if not (written or reload):
            return self._seen(desired, rendered.revision, wait_s=0)
        if problem := reloading.reload():
            return Outcome(ProxyState.Status.FAILING, problem, done=done, reload_failed=True)
        was_reloaded = bool(settings.LITELLM_RELOAD_COMMAND)
        seen = self._seen(desired, rendered.revision, wait_s=settings.LITELLM_RELOAD_TIMEOUT_S if was_reloaded else 0)
        return Outcome(
            seen.status, seen.message, seen.differences, done | ({"proxy": "reloaded"} if was_reloaded else {})
        )

    def look(self, desired: Desired) -> Outcome:
        return self._seen(desired, documents.render(desired).revision, wait_s=0)

    def _seen(self, desired: Desired, revision: str, *, wait_s: float) -> Outcome:
        if not (settings.LITELLM_PROXY_URL and settings.LITELLM_MASTER_KEY):
            return Outcome(ProxyState.Status.UNKNOWN, _UNSEEN)
        return async_to_sync(_look)(desired, revision=revision, wait_s=wait_s)


class ApiMode:
    def sync(self, desired: Desired, *, reload: bool) -> Outcome:
        return async_to_sync(self._sync)(desired)

    def look(self, desired: Desired) -> Outcome:
        return async_to_sync(_look)(desired, revision="", wait_s=0)

    async def _sync(self, desired: Desired) -> Outcome:
        try:
            async with ProxyClient() as client:
                if not await publishing.has_database(client):
                    return Outcome(ProxyState.Status.FAILING, "The proxy has no database to keep models in.")
                published = await publishing.publish(client, desired, until=time.monotonic() + lease_s() / 2)
                left = differences(desired, await served(client))
        except ProxyError as error:
            return Outcome(ProxyState.Status.FAILING, error.message)
        counts = {"created": published.created, "updated": published.updated, "deleted": published.deleted}
        done = {name: count for name, count in counts.items() if count}
        if published.failures:
            told = " ".join(published.failures[:5])
            failed = {"failed": len(published.failures), "failures": told}
            return Outcome(ProxyState.Status.FAILING, told, left, done, failed)
        return Outcome(_status(left), differences=left, done=done)


async def _look(desired: Desired, *, revision: str, wait_s: float) -> Outcome:
    """How the proxy stands, asked again and again for `wait_s` while it is away or has not caught up."""
    until = time.monotonic() + wait_s
    while True:
        try:
            async with ProxyClient(attempts=1) as client:
                left = differences(desired, await served(client), revision=revision)
            outcome = Outcome(_status(left), differences=left)
        except ProxyUnreachable as error:
            outcome = Outcome(ProxyState.Status.FAILING, error.message)
        except ProxyError as error:
            return Outcome(ProxyState.Status.FAILING, error.message)
        if outcome.status == ProxyState.Status.IN_SYNC or time.monotonic() > until:
            return outcome
        await asyncio.sleep(_LOOK_AGAIN_S)


def _status(left: list[Difference]) -> str:
    return ProxyState.Status.DRIFTED if left else ProxyState.Status.IN_SYNC


MODES: Mapping[str, Mode] = {FILE: FileMode(), API: ApiMode()}
