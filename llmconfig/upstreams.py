"""AI servers and provider keys as the snapshot needs them: keys decrypted, unreadable ones left out."""

import logging
from dataclasses import dataclass, field
from typing import ClassVar

from django.conf import settings
from django.db import models

from llmconfig.models import AIServer, Deployment, ProviderHealth, ProviderKey, Purpose
from llmconfig.providers import Provider
from opscenter.core import secrets
from opscenter.core.models import Secret
from opscenter.core.outbound import Policy

logger = logging.getLogger(__name__)

LOCAL = "local"
"""The provider of every AI server, beside the slugs of providers.py."""

_LITELLM_PROVIDERS = {AIServer.ServerType.VLLM.value: "hosted_vllm"}


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where calls go and with which key. `server_type` None: a provider key. `is_down`: its checks say so."""

    id: int
    slug: str
    label: str
    server_type: str | None
    api_base: str
    api_key: str | None = field(repr=False)
    litellm_provider: str
    speaks_openai: bool
    max_tokens_param: str
    purposes: frozenset[str]
    is_private_network: bool
    is_down: bool

    @property
    def is_free_unless_priced(self) -> bool:
        return self.server_type is not None

    def serves(self, purpose: str) -> bool:
        return purpose in self.purposes

    def holds(self, deployment: Deployment) -> bool:
        return self.id == (deployment.server_id if self.server_type else deployment.key_id)

    def transport(self, wanted: str) -> str:
        """relay or litellm, for auto, relay or litellm: a deployment's wish goes before DEFAULT_TRANSPORT."""
        chosen = settings.DEFAULT_TRANSPORT if wanted == Deployment.Transport.AUTO else wanted
        return "relay" if self.speaks_openai and chosen != Deployment.Transport.LITELLM else "litellm"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A consumer's. `number` is that of the version in use; `is_alone`: no call of theirs goes on to the platform's
    keys where this can't answer."""

    upstream: Upstream
    owner_id: int
    number: int
    is_alone: bool


class Upstreams:
    """What is enabled and can be called, by row; of it, `own` are consumers' keys."""

    def __init__(self, servers: dict[int, Upstream], keys: dict[int, Upstream], own: tuple[OwnKey, ...] = ()) -> None:
        self._servers = servers
        self._keys = keys
        self.own = own

    @classmethod
    def load(cls) -> "Upstreams":
        """Read in two queries; only what is new is decrypted."""
        known, _Revealed.by_row = _Revealed.by_row, {}
        servers = [_from_server(row, known) for row in AIServer.objects.enabled().with_secret()]
        rows = ProviderKey.objects.callable().with_secret().select_related("provider_health")
        keys = [(row, upstream) for row in rows if (upstream := _from_key(row, known))]
        return cls(
            {upstream.id: upstream for upstream in servers if upstream},
            {upstream.id: upstream for _, upstream in keys},
            tuple(_own(row, upstream) for row, upstream in keys if row.owner_id is not None),
        )

    def of(self, *, server_id: int | None, key_id: int | None) -> Upstream | None:
        if server_id is not None:
            return self._servers.get(server_id)
        return self._keys.get(key_id) if key_id is not None else None

    def of_provider(self, provider: AIServer | ProviderKey) -> Upstream | None:
        return (self._servers if isinstance(provider, AIServer) else self._keys).get(provider.pk)


def _from_server(row: AIServer, known: "Known") -> Upstream | None:
    api_key = _reveal(row.api_key, row, known) if row.api_key else None
    if row.api_key and api_key is None:
        return None
    return Upstream(
        id=row.pk,
        slug=LOCAL,
        label=row.name,
        server_type=row.server_type,
        api_base=row.api_base,
        api_key=api_key,
        litellm_provider=_LITELLM_PROVIDERS.get(row.server_type, "openai"),
        speaks_openai=True,
        max_tokens_param=Deployment.MaxTokensParam.MAX_TOKENS.value,
        purposes=frozenset(purpose for purpose in Purpose.values if row.serves(purpose)),
        is_private_network=row.policy is Policy.PRIVATE_ALLOWED,
        is_down=row.health_status == AIServer.Health.UNHEALTHY,
    )


def _from_key(row: ProviderKey, known: "Known") -> Upstream | None:
    api_key = _reveal(row.encrypted_key, row, known) if row.encrypted_key else None
    if api_key is None:
        return None
    is_down = ProviderHealth.status_of(row) is AIServer.Health.UNHEALTHY
    return of_provider(row.known_provider, id=row.pk, api_key=api_key, is_down=is_down)


def _own(row: ProviderKey, upstream: Upstream) -> OwnKey:
    assert row.owner_id is not None
    assert row.encrypted_key is not None
    return OwnKey(upstream, row.owner_id, row.encrypted_key.number, row.byok_only)


def of_provider(provider: Provider, *, id: int = 0, api_key: str | None = None, is_down: bool = False) -> Upstream:
    """By the key of row `id`; without one, what its calls are like by any key."""
    return Upstream(
        id=id,
        slug=provider.slug,
        label=provider.name,
        server_type=None,
        api_base=provider.api_base,
        api_key=api_key,
        litellm_provider=provider.litellm_prefix,
        speaks_openai=provider.speaks_openai,
        max_tokens_param=provider.max_tokens_param,
        purposes=frozenset(Purpose.values),
        is_private_network=provider.policy is Policy.PRIVATE_ALLOWED,
        is_down=is_down,
    )


Known = dict[tuple[str, str, str, bytes], str | None]
"""Plaintexts by ring, row, secret and ciphertext: a moved secret is a new entry. None: unreadable."""


class _Revealed:
    """What the last `load` decrypted, so that a change of one row does not decrypt ten thousand again."""

    by_row: ClassVar[Known] = {}


def _reveal(secret: Secret, owner: models.Model, known: Known) -> str | None:
    entry = (
        settings.BYOK_ENCRYPTION_KEY,
        f"{owner._meta.db_table}:{owner.pk}",
        str(secret.pk),
        bytes(secret.ciphertext),
    )
    if entry not in known:
        try:
            known[entry] = secrets.reveal(secret, owner=owner)
        except secrets.SecretUnreadable as error:
            logger.error("%s is left out: its API key can't be read (%s)", owner, error)
            known[entry] = None
    _Revealed.by_row[entry] = known[entry]
    return known[entry]
