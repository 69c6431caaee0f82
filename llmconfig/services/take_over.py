"""Taking over what the environment has: keys of providers and hosts of AI servers, at every start.

What an operator set is left alone: a provider that has a key of theirs keeps it, a server that they moved stays there.
Nothing here keeps a start from going on.
"""

import hmac
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from llmconfig import starting_catalog
from llmconfig.models import ActiveProvider, AIServer, Deployment, ProviderKey, Purpose
from llmconfig.services import active_slot, platform_keys, provider_keys, servers
from opscenter.core import audit, secrets
from opscenter.core.errors import ServiceError, Unprocessable
from opscenter.core.placeholders import is_placeholder
from opscenter.core.tiers import Tier

log = logging.getLogger(__name__)

Provider = AIServer | ProviderKey

_ANYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens here
_PORTS = {AIServer.ServerType.VLLM.value: 8000, AIServer.ServerType.OLLAMA.value: 11434}


def take_over() -> list[Provider]:
    """Store what the environment has now, and make the first usable one active for chat where nobody else is.

    Returns what it changed. Several machines that start at once wait for one another.
    """
    taken = [provider for provider in (*_all_keys(), *_all_servers()) if provider is not None]
    _activate_first()
    return taken


def default_server(server_type: str) -> AIServer | None:
    """The one that the environment's host belongs to, and that a fresh catalog's local models are deployed on."""
    rows = AIServer.objects.filter(server_type=server_type).exclude(environment_url="")
    return rows.order_by("pk").first() or AIServer.objects.filter(name=server_name(server_type)).first()


def server_name(server_type: str) -> str:
    return f"Default {AIServer.ServerType(server_type).label} Server"


def url_of(host: str, server_type: str) -> str:
    """`host` may be a name, with a port or without, or a URL. 0.0.0.0 is where a server listens, not where it is."""
    if "://" in host:
        return host.replace("://0.0.0.0", "://127.0.0.1").rstrip("/")
    name, _, port = host.rstrip("/").partition(":")
    return f"http://{'127.0.0.1' if name == _ANYWHERE else name}:{port or _PORTS[server_type]}"


def _all_keys() -> Iterator[Provider | None]:
    for slug, api_key in settings.PLATFORM_API_KEYS.items():
        if api_key:
            yield _guarded(partial(_take_key, slug, api_key), what=f"The API key of {slug}")


def _all_servers() -> Iterator[Provider | None]:
    for server_type, host in settings.AI_SERVER_HOSTS.items():
        if host:
            yield _guarded(partial(_take_server, server_type, host), what=f"The host of {server_type}")


def _guarded(take: Callable[[], Provider | None], *, what: str) -> Provider | None:
    try:
        with audit.writing():
            return take()
    except (ServiceError, ValidationError) as error:
        log.warning("%s in the environment is not taken over: %s", what, error)
        return None


def _take_key(slug: str, api_key: str) -> ProviderKey | None:
    if is_placeholder(api_key):
        raise Unprocessable("It is a placeholder.")
    key = platform_keys.reserve(slug)
    if key.encrypted_key is not None and (not key.is_from_environment or _holds(key, api_key)):
        return None
    stored = provider_keys.update(key=key, fields={}, api_key=api_key)
    stored.environment_secret = stored.encrypted_key_id
    ProviderKey.objects.filter(pk=stored.pk).update(environment_secret=stored.environment_secret)
    return stored


def _holds(key: ProviderKey, api_key: str) -> bool:
    """Whether that is the key stored; one that can't be read is none, and the environment mends it."""
    assert key.encrypted_key is not None
    try:
        stored = secrets.reveal(key.encrypted_key, owner=key)
    except secrets.SecretUnreadable:
        return False
    return hmac.compare_digest(stored.encode(), api_key.encode())


def _take_server(server_type: str, host: str) -> AIServer | None:
    url, server = url_of(host, server_type), default_server(server_type)
    if server is None:
        return servers.create(fields=server_fields(server_type, url))
    if server.base_url != server.environment_url:
        return None
    fields: dict[str, Any] = {"base_url": url, "environment_url": url}
    if is_untouched(server):
        fields["enabled"] = True
    elif url == server.base_url:
        return None
    return servers.update(server=server, fields=fields)


def server_fields(server_type: str, url: str, **more: Any) -> dict[str, Any]:
    model = starting_catalog.by_provider()[server_type][0].upstream_model
    name = server_name(server_type)
    where = {"base_url": url, "environment_url": url, "model_path": model}
    return {"name": name, "server_type": server_type, **where, **more}


def is_untouched(server: AIServer) -> bool:
    """Whether it was made with a fresh catalog, waiting for its host, and nobody changed it since."""
    return not server.enabled and server.environment_url == server.base_url and server.version == 1


def _activate_first() -> None:
    now = ActiveProvider.objects.complete().filter(purpose=Purpose.CHAT).first()
    if now is not None and not _is_demo(now.primary):
        return
    for provider in _in_order():
        model = _model_on(provider)
        if not model:
            continue
        try:
            active_slot.fill(purpose=Purpose.CHAT, slot=active_slot.PRIMARY, provider=provider, model=model)
        except ServiceError as error:
            log.warning("%s is not made active for chat: %s", provider, error)
            continue
        log.info("%s is active for chat now, by the model %s", provider, model)
        return


def _in_order() -> Iterator[Provider]:
    """What the environment names and can be called."""
    for slug, api_key in settings.PLATFORM_API_KEYS.items():
        key = platform_keys.find(slug) if api_key else None
        if key is not None and key.enabled and key.use_for_ops_center and key.encrypted_key_id:
            yield key
    for server_type, host in settings.AI_SERVER_HOSTS.items():
        server = default_server(server_type) if host else None
        if server is not None and server.enabled:
            yield server


def _model_on(provider: Provider) -> str:
    """The name of the best of those models there that the most may call; "" where there is none with a price."""
    rows = Deployment.objects.platform().on(provider).enabled().filter(model__purpose=Purpose.CHAT).complete()
    priced = [row.model for row in rows if row.own_price or row.model.price]
    best = min(priced, key=lambda model: (Tier(model.tier).rank, -(model.quality_score or 0), model.pk), default=None)
    if best is not None:
        return best.name
    return provider.model_path if isinstance(provider, AIServer) else ""


def _is_demo(provider: Provider | None) -> bool:
    return isinstance(provider, AIServer) and bool(provider.metadata.get("demo"))
