"""What each provider is asked, or the answer where there is nothing to ask."""

from django.conf import settings

from llmconfig.models import AIServer, ProviderHealth, ProviderKey
from llmconfig.services import key_probe, probe
from llmconfig.services.probe import Probe, Question
from opscenter.core import secrets
from opscenter.core.outbound import Policy


def of(health: ProviderHealth) -> Question | Probe:
    if health.server:
        return of_server(health.server)
    return of_key(health.key) if health.key else of_proxy()


def of_proxy() -> Question:
    """Whether it would serve calls, which it tells without a key."""
    url = f"{settings.LITELLM_PROXY_URL}/health/readiness"
    return Question(url, {}, Policy.PRIVATE_ALLOWED, wants_models=False, when_well="It is ready.")


def of_server(server: AIServer) -> Question | Probe:
    """For the models that it serves."""
    headers = {}
    if server.api_key:
        try:
            headers["Authorization"] = f"Bearer {secrets.reveal(server.api_key, owner=server)}"
        except secrets.SecretUnreadable:
            return probe.UNREADABLE
    return Question(f"{server.api_base}/models", headers, server.policy, model=server.model_path)


def of_key(key: ProviderKey) -> Question | Probe:
    """The provider's free call that needs the key, by the version in use."""
    provider = key.known_provider
    if key.encrypted_key is None:
        return probe.NO_KEY
    if not key_probe.has_free_call(provider):
        return key_probe.untold(provider)
    try:
        return key_probe.question(provider=provider, api_key=secrets.reveal(key.encrypted_key, owner=key))
    except secrets.SecretUnreadable:
        return probe.UNREADABLE


def answered(question: Question | Probe) -> Probe:
    """By asking, unless it is an answer already."""
    return question if isinstance(question, Probe) else probe.answer(question)
