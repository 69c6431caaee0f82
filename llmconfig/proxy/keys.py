"""The proxy's virtual keys, one for each environment: unlimited, made once, and shown again whenever asked for.

The proxy keeps their hashes alone. A key is derived from our master key and a number that the proxy keeps beside the
hash, so that nothing has to be stored here; who holds the master key could make any key anyway.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.conf import settings

from llmconfig.proxy.client import ProxyClient

ENVIRONMENTS = ("dev", "test", "staging", "eval", "prod")
_NONCE = "opscenter_nonce"


@dataclass(frozen=True, slots=True)
class ProxyKey:
    """`key` None: it is there, but was not made here, and nobody can show it. `is_new`: made now."""

    environment: str
    is_new: bool
    key: str | None = field(repr=False)

    @property
    def alias(self) -> str:
        return f"litellm-{self.environment}"

    @property
    def variable(self) -> str:
        """What it is called in .env."""
        return "LITELLM_API_KEY" if self.environment == "dev" else f"LITELLM_{self.environment.upper()}_KEY"


async def ensure(client: ProxyClient, environment: str, *, rotate: bool) -> ProxyKey:
    """The environment's key; with `rotate` a new one, and the former is refused from then on. Raises ProxyError."""
    alias = f"litellm-{environment}"
    for row in await _listed(client, _former(alias)):
        await client.ask("POST", "/key/delete", body={"keys": [row["token"]]})
    there = next(iter(await _listed(client, alias)), None)
    if there is None:
        return await _make(client, environment, alias)
    if not rotate:
        return ProxyKey(environment, is_new=False, key=_shown(environment, there))
    # Under another name first, so that whatever fails leaves one of them.
    await client.ask("POST", "/key/update", body={"key": there["token"], "key_alias": _former(alias)})
    made = await _make(client, environment, alias)
    await client.ask("POST", "/key/delete", body={"keys": [there["token"]]})
    return made


def _former(alias: str) -> str:
    return f"{alias}-former"


async def _listed(client: ProxyClient, alias: str) -> list[Mapping[str, Any]]:
    """The proxy may answer with aliases that merely begin so."""
    query = {"key_alias": alias, "return_full_object": "true", "size": "100"}
    answer = await client.ask("GET", "/key/list", query=query)
    return [row for row in answer.get("keys", ()) if isinstance(row, dict) and row.get("key_alias") == alias]


async def _make(client: ProxyClient, environment: str, alias: str) -> ProxyKey:
    nonce = secrets.token_hex(16)
    key = _derived(environment, nonce)
    body = {"key": key, "key_alias": alias, "metadata": {"environment": environment, _NONCE: nonce}}
    await client.ask("POST", "/key/generate", body=body)
    return ProxyKey(environment, is_new=True, key=key)


def _shown(environment: str, row: Mapping[str, Any]) -> str | None:
    key = _derived(environment, str((row.get("metadata") or {}).get(_NONCE, "")))
    return key if hmac.compare_digest(sha256(key.encode()).hexdigest(), str(row.get("token", ""))) else None


def _derived(environment: str, nonce: str) -> str:
    message = f"virtual key of {environment}, {nonce}"
    digest = hmac.digest(settings.LITELLM_MASTER_KEY.encode(), message.encode(), "sha256")
    return f"sk-{urlsafe_b64encode(digest).decode().rstrip('=')}"
