"""What a caller's own provider keys change about whom a call goes to, and what its caller is told of them.

Where they have a key for a model's provider it is asked first, at no cost. Behind it stand the platform's keys only
where every one of these keys allows that. Who has no keys pays a look into a dict for it.
"""

from collections.abc import Callable, Iterable, Mapping

from gateway.callers import Caller
from gateway.errors import ModelForbidden, ModelNotFound, NoProvider, OwnKeyFailing, OwnKeyRefused
from gateway.snapshot import Snapshot
from gateway.transports.errors import UpstreamError, UpstreamRefusedKey
from llmconfig.own_keys import LOWEST_TIER, PREFIX, KeysOfUser, by_own, may_use
from llmconfig.providers import provider_for
from llmconfig.target import Target
from opscenter.core.errors import ServiceError

Choices = tuple[tuple[Target, ...], tuple[Target, ...]]
"""Those to ask first, and their fallback."""

OWN = ": own key"
"""What attempts' rows say behind the provider's name, of calls of the catalog's models by such keys."""

_NONE: Mapping[str, tuple[()]] = {}


def of(snapshot: Snapshot, caller: Caller) -> KeysOfUser:
    """The keys that the caller's calls may use now."""
    keys = snapshot.catalog.own_keys.by_user.get(caller.user_id)
    return keys if keys and may_use(caller.tier) else _NONE


def chosen(
    snapshot: Snapshot, keys: KeysOfUser, name: str | None, purpose: str, platforms: Callable[[], Choices]
) -> Choices:
    """The own targets for `name`, and what is left of the platform's. Raises what `platforms` does, where there are no
    own ones.
    """
    own = _own(snapshot, keys, name, purpose) if name else ()
    try:
        first, behind = platforms()
    except (ModelNotFound, NoProvider):
        if not own:
            raise
        return own, ()
    if not own:
        # No name, or one that own keys leave open: whoever the platform takes to be meant.
        own = _all_by_own(first, keys)
    own_behind = tuple(target for target in _all_by_own(behind, keys) if target not in own)
    if own and _are_alone(own, keys):
        return own, own_behind
    reached = (*own, *first) if own else first
    return reached, (*own_behind, *(target for target in behind if not _is_replaced(target, keys)))


def offered(snapshot: Snapshot, keys: KeysOfUser, name: str) -> tuple[Target, ...]:
    """The own targets of a model of the platform's catalog."""
    offers = snapshot.catalog.own_keys.offers.get(name, ())
    return _all_by_own((target for target in offers if target.model_name == name), keys)


def demand_tier(caller: Caller, target: Target) -> None:
    """Raise ModelForbidden where a personal `target` runs on a key that the caller's tier does not let them use."""
    if target.owner_id is not None and not may_use(caller.tier):
        raise ModelForbidden(
            f"Calls by keys of your own need the tier {LOWEST_TIER.value}; yours is {caller.tier}.",
            code="tier_too_low",
            param="model",
            details={"required_tier": LOWEST_TIER.value, "tier": caller.tier},
        )


def is_own(target_key: str) -> bool:
    """Whether a target is one of the platform's catalog that is called by a consumer's own key."""
    return target_key.startswith(PREFIX)


def refused(target: Target, error: UpstreamError) -> ServiceError | None:
    """What the owner of `target`'s key is told where the provider refuses it; None for everything else."""
    if target.owner_id is None or not isinstance(error, UpstreamRefusedKey):
        return None
    return OwnKeyRefused(provider_for(target.provider).name, key_id=target.provider_id, status=error.status)


def failing(targets: Iterable[Target], wait_s: int) -> ServiceError | None:
    """What is told where all of `targets` are left alone for a moment; None unless all are called by own keys."""
    found = list(targets)
    if any(target.owner_id is None for target in found):
        return None
    return OwnKeyFailing(provider_for(found[0].provider).name, key_id=found[0].provider_id, wait_s=wait_s)


def _own(snapshot: Snapshot, keys: KeysOfUser, name: str, purpose: str) -> tuple[Target, ...]:
    """A model's public name goes before an id of the provider's, which means something where one provider has it, of
    those that the caller has keys for: other people's keys change nothing.
    """
    offers = [
        target
        for target in snapshot.catalog.own_keys.offers.get(name, ())
        if target.purpose == purpose and target.provider in keys
    ]
    meant = [target for target in offers if target.model_name == name]
    if not meant and len({target.provider for target in offers}) == 1:
        meant = offers
    return _all_by_own(meant, keys)


def _all_by_own(targets: Iterable[Target], keys: KeysOfUser) -> tuple[Target, ...]:
    return tuple(own for target in targets for own in by_own(target, keys))


def _are_alone(own: Iterable[Target], keys: KeysOfUser) -> bool:
    providers = {target.provider for target in own}
    return any(key.is_alone for provider in providers for key in keys[provider])


def _is_replaced(target: Target, keys: KeysOfUser) -> bool:
    return target.server_type is None and any(key.is_alone for key in keys.get(target.provider, ()))
