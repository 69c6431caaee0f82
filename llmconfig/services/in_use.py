"""What keeps a row from being deleted."""

from llmconfig.errors import InUse
from llmconfig.models import ActiveProvider, AIServer, Deployment, ProviderKey
from llmconfig.services.pointers import label


def refuse_if_used(provider: AIServer | ProviderKey) -> None:
    """Raise InUse, naming the active pointers and the deployments that use `provider`."""
    users = [f"the active provider for {active.purpose}" for active in ActiveProvider.objects.pointing_at(provider)]
    deployments = Deployment.objects.on(provider).select_related("model")
    users += [f"the deployment of {deployment.model.name}" for deployment in deployments]
    if users:
        raise InUse(label(provider), users)
