"""Which targets a name means, whoever asks.

A model's name -> its deployments; `provider/model` -> that provider; a bare upstream id that only one provider has
-> that provider; no model or `auto` -> the purpose's active provider, then its fallback.
"""

from collections.abc import Iterable

from gateway.callers import Caller
from gateway.errors import ModelNotFound, NoProvider
from gateway.snapshot import Snapshot
from llmconfig.snapshot import Target

Choices = tuple[tuple[Target, ...], tuple[Target, ...]]
"""Those to ask first, and their fallback."""


def meant(snapshot: Snapshot, caller: Caller, name: str | None, purpose: str) -> Choices:
    """Raises ModelNotFound (404), NoProvider (503)."""
    return _named(snapshot, caller, name, purpose) if name else _active(snapshot, purpose)


def whole_catalog(snapshot: Snapshot, purpose: str) -> Choices:
    """Every deployment of the platform for `purpose`. Raises NoProvider (503) where there is none."""
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
    return targets, () if own else _fallback_of(snapshot, targets, name, purpose)


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
