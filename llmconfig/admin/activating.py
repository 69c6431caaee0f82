"""The buttons that make a provider an active one."""

from typing import Any

from django import forms
from django.http import HttpRequest

from llmconfig.models import ActiveProvider, AIServer, Deployment, ProviderKey, Purpose
from llmconfig.services import active, active_slot
from llmconfig.services.active_slot import FALLBACK, PRIMARY
from opscenter.core.admin_base import Button, Said, Warned
from opscenter.core.admin_base.unfolded import Select, TextInput
from opscenter.core.api import Permissions

Provider = AIServer | ProviderKey


class ActivateForm(forms.Form):
    purpose = forms.ChoiceField(widget=Select)
    slot = forms.ChoiceField(
        label="As", widget=Select, choices=((PRIMARY, "Primary"), (FALLBACK, "Fallback, asked when the primary fails"))
    )
    model = forms.CharField(required=False, max_length=300, widget=TextInput)

    def __init__(self, provider: Provider, data: Any = None) -> None:
        super().__init__(data)
        purposes = [purpose for purpose in Purpose if isinstance(provider, ProviderKey) or provider.serves(purpose)]
        self.fields["purpose"].choices = [(one.value, one.label) for one in purposes]  # type: ignore[attr-defined]
        names = sorted({row.upstream_model for row in Deployment.objects.on(provider)[:50]})
        default = f'empty: the server\'s default, "{_default(provider)}"' if _default(provider) else "needed"
        known = f" Deployed here: {', '.join(names)}." if names else ""
        self.fields["model"].help_text = f"A catalog name or the provider's own; {default}.{known}"


class Activating:
    """Mixed into the pages of AI servers and provider keys."""

    def activate_for_chat(self, request: HttpRequest, provider: Provider) -> Said:
        return self.activate(request, provider, {"purpose": Purpose.CHAT.value, "slot": PRIMARY, "model": ""})

    def activate(self, request: HttpRequest, provider: Provider, wanted: dict[str, str]) -> Said:
        slot, purpose = wanted["slot"], wanted["purpose"]
        chosen = active_slot.fill(purpose=purpose, slot=slot, provider=provider, model=wanted["model"])
        text = f"{provider} is the {slot} for {purpose} now."
        return Warned(f"{text} {warning}") if (warning := free_of_charge(chosen)) else Said(text)


def free_of_charge(chosen: ActiveProvider) -> str:
    """What to tell of models that are active without being in the catalog; "" where all are."""
    models = ", ".join(active.beside_the_catalog(chosen))
    return f"In no deployment, and so without a price: {models}. Calls for it are free." if models else ""


def _default(provider: Provider) -> str:
    return provider.model_path if isinstance(provider, AIServer) else ""


SET_ACTIVE_FOR_CHAT = Button(
    name="set-active-for-chat",
    label="Set active for chat",
    run="activate_for_chat",
    needs=(Permissions.CONFIGURE,),
    shown=lambda provider: bool(provider.enabled and provider.use_for_chat and provider.model_path),
)
SET_ACTIVE = Button(
    name="set-active",
    label="Set active …",
    run="activate",
    needs=(Permissions.CONFIGURE,),
    form=ActivateForm,
    shown=lambda provider: bool(provider.enabled),
)
