"""Choosing the active providers: the only writer of ActiveProvider, which refuses what could not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from llmconfig.errors import InUse, NoActiveProvider, NotPriced, NotUsable
from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderKey
from llmconfig.services.pointers import columns, label
from llmconfig.services.rows import locked, save
from opscenter.core import audit, changes

Provider = AIServer | ProviderKey
_MOST_NAMES = 20


def get(*, purpose: str) -> ActiveProvider:
    """Raises NoActiveProvider."""
    active = ActiveProvider.objects.complete().filter(purpose=purpose).first()
    if active is None:
        raise NoActiveProvider(purpose)
    return active


def set_active(
    *,
    purpose: str,
    primary: Provider,
    default_model: str = "",
    fallback: Provider | None = None,
    fallback_model: str = "",
) -> ActiveProvider:
    """Point `purpose` to `primary` and, where given, `fallback`. Raises NotUsable and NotPriced.

    A model may be a catalog name or the provider's own; empty means an AI server's default.
    """
    with audit.writing():
        active = ActiveProvider.objects.select_for_update().filter(purpose=purpose).first()
        active = active or ActiveProvider(purpose=purpose)
        pointers = {**columns(primary, prefix="primary_"), **columns(fallback, prefix="fallback_")}
        for name, provider in pointers.items():
            setattr(active, name, provider)
        active.default_model = default_model
        active.fallback_model = fallback_model if fallback else ""
        active.updated_by_id = audit.current_actor().user_id
        validate(active)
        save(active, action="set_active")
    return active


def clear(*, purpose: str) -> None:
    """Leave `purpose` without an active provider. Raises NoActiveProvider."""
    with audit.writing():
        changes.delete(locked(get(purpose=purpose)))


def validate(active: ActiveProvider) -> None:
    """Raise NotUsable or NotPriced unless what `active` points to can answer for its purpose now."""
    for slot, provider, model in active.pointers():
        prefix = "" if slot == "primary" else "fallback_"
        _check_provider(provider, active.purpose, param=f"{prefix}provider_id")
        _check_model(provider, active.purpose, model, param="default_model" if not prefix else "fallback_model")


def _check_provider(provider: Provider, purpose: str, *, param: str) -> None:
    if not provider.enabled:
        raise NotUsable(f"{label(provider)} is disabled.", param=param)
    if isinstance(provider, AIServer):
        if not provider.serves(purpose):
            raise NotUsable(f"{label(provider)} is not meant for {purpose}.", param=param)
        return
    if provider.owner_id is not None or not provider.use_for_ops_center:
        raise NotUsable(f"{label(provider)} is not meant for the platform's calls.", param=param)
    if provider.encrypted_key_id is None:
        raise NotUsable(f"{label(provider)} has no API key stored.", param=param)


def _check_model(provider: Provider, purpose: str, model: str, *, param: str) -> None:
    if not model:
        raise NotUsable(f"Name a model: {label(provider)} has no default one.", param=param)
    answering = Deployment.objects.platform().on(provider).answering(model, purpose=purpose)
    deployments = list(answering.select_related("model"))
    usable = [deployment for deployment in deployments if deployment.enabled and deployment.model.enabled]
    if isinstance(provider, AIServer):
        if not usable:
            _check_beside_the_catalog(provider, purpose, model, is_deployed=bool(deployments), param=param)
        return
    if not any(deployment.own_price or deployment.model.price for deployment in usable):
        raise NotPriced(
            f'"{model}" is no enabled model for {purpose} with a price on {label(provider)}: '
            "add it to the catalog first.",
            param=param,
        )


def _check_beside_the_catalog(server: AIServer, purpose: str, model: str, *, is_deployed: bool, param: str) -> None:
    """A server's model in no deployment is called for free: where models are known, a name that is none is refused."""
    if is_deployed:
        raise NotUsable(f'"{model}" is disabled on {label(server)}.', param=param)
    if model == server.model_path:
        return
    deployed = Deployment.objects.platform().on(server).filter(model__purpose=purpose)
    names = sorted(deployed.values_list("model__name", flat=True)[:_MOST_NAMES])
    in_catalog = LLMModel.objects.platform().filter(name=model).exists()
    if names or in_catalog:
        known = f" Deployed there: {', '.join(dict.fromkeys(names))}." if names else ""
        raise NotUsable(f'"{model}" is no model for {purpose} on {label(server)}.{known}', param=param)


def beside_the_catalog(active: ActiveProvider) -> list[str]:
    """The models that `active` points to in no deployment: they have no price, so their calls are free."""
    return [
        model
        for _, provider, model in active.pointers()
        if isinstance(provider, AIServer)
        and not Deployment.objects.platform().on(provider).answering(model, purpose=active.purpose).exists()
    ]


@contextmanager
def keeping_answers(what: str) -> Iterator[None]:
    """Raise InUse where the block leaves an active pointer without the deployments that its model meant.

    On an AI server such a model would go on without its price and limits. Locks the active rows: use it
    inside the transaction of the change, which is one that is writing() the audit log.
    """
    before = _answered()
    yield
    lost = before - _answered()
    if lost:
        raise InUse(what, sorted(lost))


def _answered() -> set[str]:
    return {
        f"the active provider for {active.purpose} ({slot})"
        for active in ActiveProvider.objects.complete().select_for_update(of=("self",))
        for slot, provider, model in active.pointers()
        if Deployment.objects.platform().on(provider).answering(model, purpose=active.purpose).exists()
    }
