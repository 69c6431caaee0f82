"""Finding what `provider_type` and `provider_id` point to."""

from llmconfig.models import AIServer, ProviderKey
from opscenter.core.errors import Unprocessable

AI_SERVER = "ai_server"
API_KEY = "api_key"
PROVIDER_TYPES = ((AI_SERVER, "AI server"), (API_KEY, "Provider key"))


def find_provider(
    provider_type: str, provider_id: int, *, owner_id: int | None = None, param: str = "provider_id"
) -> AIServer | ProviderKey:
    """The AI server or the platform's key of that id; with an owner, a key of theirs. Raises Unprocessable."""
    provider: AIServer | ProviderKey | None = None
    if provider_type == API_KEY:
        provider = ProviderKey.objects.with_secret().filter(pk=provider_id, owner_id=owner_id).first()
    elif owner_id is None:
        provider = AIServer.objects.with_secret().filter(pk=provider_id).first()
    if provider is None:
        what = dict(PROVIDER_TYPES)[provider_type]
        raise Unprocessable(f"There is no {what} {provider_id}.", param=param)
    return provider


def type_of(provider: AIServer | ProviderKey) -> str:
    return AI_SERVER if isinstance(provider, AIServer) else API_KEY


def columns(provider: AIServer | ProviderKey | None, *, prefix: str = "") -> dict[str, AIServer | ProviderKey | None]:
    """The two columns of a pointer, one of them at most filled: {prefix}server and {prefix}key."""
    return {
        f"{prefix}server": provider if isinstance(provider, AIServer) else None,
        f"{prefix}key": provider if isinstance(provider, ProviderKey) else None,
    }


def label(provider: AIServer | ProviderKey) -> str:
    return f'{dict(PROVIDER_TYPES)[type_of(provider)]} "{provider}"'
