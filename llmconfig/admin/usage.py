"""What runs on a provider and points to it, for the provider's page."""

from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderKey
from opscenter.core.admin_base import Panel, linked

_MOST = 50


def deployments_panel(provider: AIServer | ProviderKey) -> list[Panel]:
    """The purposes that the provider is active for, and its deployments."""
    deployments = Deployment.objects.on(provider).select_related("model")[:_MOST]
    runs = [
        (
            linked(Deployment, row.pk, row.upstream_model),
            linked(LLMModel, row.model_id, row.model.name),
            row.priority,
            "yes" if row.enabled else "no",
        )
        for row in deployments
    ]
    active = [
        (linked(ActiveProvider, row.pk, row.get_purpose_display()), slot, model or "the server's default")
        for row in ActiveProvider.objects.pointing_at(provider).complete()
        for slot, pointed, model in row.pointers()
        if pointed == provider
    ]
    return [
        Panel("Active for", ("Purpose", "As", "Model"), active),
        Panel("Deployments here", ("Upstream model", "Model", "Priority", "Enabled"), runs),
    ]
