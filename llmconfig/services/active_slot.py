"""Filling one slot of a purpose, primary or fallback, and leaving the other as it is."""

from llmconfig.errors import NoActiveProvider
from llmconfig.models import ActiveProvider, AIServer, ProviderKey
from llmconfig.services import active
from opscenter.core import audit

PRIMARY, FALLBACK = "primary", "fallback"


def fill(*, purpose: str, slot: str, provider: AIServer | ProviderKey, model: str = "") -> ActiveProvider:
    """Make `provider` the primary or the fallback for `purpose`.

    A provider that becomes primary ends being its own fallback. Raises NotUsable, NotPriced, and NoActiveProvider
    for a fallback without a primary.
    """
    with audit.writing():
        now = ActiveProvider.objects.select_for_update().filter(purpose=purpose).first()
        if slot == PRIMARY:
            stays = None if now is None or now.fallback == provider else now.fallback
            return active.set_active(
                purpose=purpose,
                primary=provider,
                default_model=model,
                fallback=stays,
                fallback_model=now.fallback_model if now else "",
            )
        if now is None or now.primary is None:
            raise NoActiveProvider(purpose)
        return active.set_active(
            purpose=purpose,
            primary=now.primary,
            default_model=now.default_model,
            fallback=provider,
            fallback_model=model,
        )
