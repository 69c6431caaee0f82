"""Which targets a name means, whoever asks.

A model's name -> its deployments; `provider/model` -> that provider; a bare upstream id that only one provider has
-> that provider; no model or `auto` -> the purpose's active provider, then its fallback.
"""

from collections.abc import Iterable

from gateway import own_keys
from gateway.callers import Caller
from gateway.errors import ModelNotFound, NoProvider
from gateway.own_keys import Choices
from gateway.snapshot import Snapshot
from llmconfig.snapshot import Target


def meant(snapshot: Snapshot, caller: Caller, name: str | None, purpose: str) -> Choices:
    """A caller's personal model goes before their own keys, and these before the platform's.

    Raises ModelNotFound (404), NoProvider (503).
    """

    def platforms() -> Choices:
        return _named(snapshot, caller, name, purpose) if name else _active(snapshot, purpose)

    keys = own_keys.of(snapshot, caller)
    if not keys or (caller.user_id, name) in snapshot.catalog.personal:
        return platforms()
    return own_keys.chosen(snapshot, keys, name, purpose, platforms)


def whole_catalog(snapshot: Snapshot, caller: Caller, purpose: str) -> Choices:
    """Every deployment of the platform for `purpose`, by the caller's own keys where they have any. Raises NoProvider
    (503) where there is none.
    """
    keys = own_keys.of(snapshot, caller)
    if keys:
        return own_keys.chosen(snapshot, keys, None, purpose, lambda: _all(snapshot, purpose))
    return _all(snapshot, purpose)


def _all(snapshot: Snapshot, purpose: str) -> Choices:
    targets = snapshot.catalog.by_purpose.get(purpose, ())
    if not targets:
        raise NoProvider(f"No model for {purpose} can be called now.", code="no_model")
    return targets, ()


def _named(snapshot: Snapshot, caller: Caller, name: str, purpose: str) -> Choices:
    """A caller's personal model goes before the platform's of that name, and never falls back to the platform."""
    own = snapshot.catalog.personal.get((caller.user_id, name))
    entry = own or snapshot.catalog.models.get(name)
    targets = entry.targets if entry else _by_provider(snapshot, name) or _by_upstream_id(snapshot, name)
    targets = tuple(target for target in targets if target.purpose == purpose)
    if not targets:
        raise ModelNotFound(
            f"The model `{name}` does not exist or can't be called now. GET /v1/models lists yours.", param="model"
        )
    if own:
        own_keys.demand_tier(caller, targets[0])
        return targets, ()
    return targets, _fallback_of(snapshot, targets, name, purpose)


def _by_provider(snapshot: Snapshot, name: str) -> tuple[Target, ...]:
    provider, slash, model = name.partition("/")
    return snapshot.catalog.by_provider.get((provider, model), ()) if slash else ()


def _by_upstream_id(snapshot: Snapshot, name: str) -> tuple[Target, ...]:
    targets = snapshot.catalog.by_upstream.get(name, ())
    providers = {target.provider if target.server_type is None else target.provider_id for target in targets}
    if len(providers) > 1:
        raise ModelNotFound(f"Several providers have a model called {name}: write `provider/{name}`.", param="model")
    return targets


def _fallback_of(snapshot: Snapshot, targets: Iterable[Target], name: str, purpose: str) -> tuple[Target, ...]:
    """Naming the active provider's own model means what `auto` means, so it has the same fallback."""
    active = snapshot.catalog.actives.get(purpose)
    if active is None:
        return ()
    primary = {target.key for target in active.primary}
    known = {target.key for target in targets}
    if not primary & known and name != active.default_model:
        return ()
    return tuple(target for target in active.fallback if target.key not in known)


def _active(snapshot: Snapshot, purpose: str) -> Choices:
    active = snapshot.catalog.actives.get(purpose)
    if active is None or not (active.primary or active.fallback):
        raise NoProvider(
            "No active LLM provider configured" + ("" if purpose == "chat" else f" for {purpose}"),
            details={"remedy_hint": "An operator sets one in the admin under Active providers."},
        )
    primary = {target.key for target in active.primary}
    return active.primary, tuple(target for target in active.fallback if target.key not in primary)
