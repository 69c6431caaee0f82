"""Consumers' own provider keys in the snapshot: who has which, and what of the platform's catalog they reach.

A model is reached by an own key wherever a deployment names its provider, whether or not the platform's key there can
be used. Where nobody has a key there is nothing to build.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from llmconfig.models import Deployment, ProviderKey
from llmconfig.providers import provider_for
from llmconfig.target import FREE, Target, target_of
from llmconfig.upstreams import OwnKey, Upstream, Upstreams, of_provider
from opscenter.core.limits import NO_LIMITS
from opscenter.core.tiers import Tier

LOWEST_TIER = Tier.STARTER
"""Of those whose accounts may keep and use keys of their own."""

PREFIX = "k:"
"""Of the keys of all targets that are called by an own key, and of no others."""

KeysOfUser = Mapping[str, tuple[OwnKey, ...]]
"""By provider."""


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """`by_user`: whose keys. `offers`: what of the platform's catalog a name means, on providers that somebody has a
    key for: the model's own name, the provider's, and both after `provider/`.
    """

    by_user: dict[int, dict[str, tuple[OwnKey, ...]]] = field(default_factory=dict)
    offers: dict[str, tuple[Target, ...]] = field(default_factory=dict)

    def secrets(self) -> Iterator[str]:
        for keys in self.by_user.values():
            for of_one in keys.values():
                yield from (key.upstream.api_key for key in of_one if key.upstream.api_key)


def may_use(tier: str) -> bool:
    """Whether an account of that tier may keep and use own keys."""
    return Tier(tier).rank >= LOWEST_TIER.rank


def load(rows: Iterable[Deployment], upstreams: Upstreams) -> OwnKeys:
    """`rows` are the platform's deployments; one query, where anybody has a key."""
    if not upstreams.own:
        return OwnKeys()
    by_user: dict[int, dict[str, tuple[OwnKey, ...]]] = defaultdict(dict)
    for key in upstreams.own:
        mine = by_user[key.owner_id]
        mine[key.upstream.slug] = (*mine.get(key.upstream.slug, ()), key)
    return OwnKeys(dict(by_user), _offers(rows, {key.upstream.slug for key in upstreams.own}))


def by_own(target: Target, keys: KeysOfUser) -> list[Target]:
    """`target` as it is called by each of these keys for its provider: at no cost, and for every tier. The limits of
    a deployment are those of the platform's key.
    """
    if target.server_type is not None or target.owner_id is not None:
        return []
    return [_called_by(key, target) for key in keys.get(target.provider, ())]


def _called_by(key: OwnKey, target: Target) -> Target:
    # A replaced key is another target: what its breaker knows of the former is over.
    upstream = key.upstream
    return replace(
        target,
        key=f"{PREFIX}{upstream.id}.{key.number}:{target.key}",
        provider_id=upstream.id,
        api_key=upstream.api_key,
        api_base=upstream.api_base,
        is_private_network=upstream.is_private_network,
        is_down=upstream.is_down,
        price=FREE,
        tier=Tier.FREE.value,
        limits=NO_LIMITS,
        owner_id=key.owner_id,
    )


def _offers(rows: Iterable[Deployment], slugs: set[str]) -> dict[str, tuple[Target, ...]]:
    on = dict(ProviderKey.objects.platform().filter(provider__in=slugs).values_list("pk", "provider"))
    upstreams: dict[str, Upstream] = {slug: of_provider(provider_for(slug)) for slug in slugs}
    found: dict[str, list[Target]] = defaultdict(list)
    for row in rows:
        if row.key_id in on and row.enabled and row.model.enabled:
            target = target_of(row, upstreams[on[row.key_id]], FREE)
            for name in _names(target):
                found[name].append(target)
    return {name: tuple(targets) for name, targets in found.items()}


def _names(target: Target) -> set[str]:
    own = {target.model_name, target.upstream_model}
    return own | {f"{target.provider}/{name}" for name in own}
