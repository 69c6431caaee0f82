"""Models that wait for a key: what is deployed on a row without one moves to the first key that comes."""

from llmconfig.models import ActiveProvider, Deployment, ProviderKey
from llmconfig.services.rows import store


def adopt_waiting(key: ProviderKey) -> None:
    """Move the deployments of the provider's rows without a key to `key`, a new one of the platform."""
    if key.owner_id is not None or not (key.enabled and key.use_for_ops_center and key.encrypted_key_id):
        return
    waiting = ProviderKey.objects.platform().filter(provider=key.provider, encrypted_key__isnull=True)
    for row in waiting.exclude(pk=key.pk):
        if not ActiveProvider.objects.pointing_at(row).exists():
            for deployment in Deployment.objects.on(row):
                store(deployment, {"key": key})
