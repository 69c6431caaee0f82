"""The platform's key of each provider: which row that is, where it came from, and setting it by the provider's name."""

from llmconfig.errors import InUse
from llmconfig.models import ActiveProvider, Deployment, ProviderKey
from llmconfig.providers import is_known, provider_for
from llmconfig.services import provider_keys
from llmconfig.services.pointers import label
from llmconfig.services.rows import locked, store
from opscenter.core import audit, secret_versions, secrets
from opscenter.core.errors import Conflict, NotFound

DATABASE, ENVIRONMENT = "database", "environment"


def default_name(slug: str) -> str:
    return f"Default {provider_for(slug).name} Key"


def source_of(key: ProviderKey) -> str | None:
    """database or environment; None without a stored key."""
    if key.encrypted_key_id is None:
        return None
    return ENVIRONMENT if key.is_from_environment else DATABASE


def every() -> dict[str, ProviderKey]:
    """By provider: of several the one with a key, then enabled, then an operator's, then the eldest."""
    rows = ProviderKey.objects.platform().with_secret()
    return {row.provider: row for row in sorted(rows, key=_rank, reverse=True)}


def find(slug: str) -> ProviderKey | None:
    rows = ProviderKey.objects.platform().with_secret().filter(provider=slug)
    return min(rows, key=_rank, default=None)


def get(slug: str) -> ProviderKey:
    """One with a key stored. Raises NotFound."""
    key = find(slug)
    if key is None or key.encrypted_key_id is None:
        raise NotFound(f"There is no platform key for {slug[:60]}: PUT one.")
    return key


def reserve(slug: str) -> ProviderKey:
    """The row of the provider's key, made without a key where there is none: its models can be deployed there."""
    return find(slug) or store(ProviderKey(), {"provider": slug, "key_name": default_name(slug)})


def put(slug: str, *, api_key: str) -> ProviderKey:
    """Store `api_key` for the provider, in place of the one that counted so far. Raises NotFound, ValidationError."""
    if not is_known(slug):
        raise NotFound(f'"{slug[:60]}" is no provider that is known here.')
    with audit.writing():
        key = find(slug)
        if key is not None:
            return provider_keys.update(key=key, fields={}, api_key=api_key)
        return provider_keys.create(fields={"provider": slug, "key_name": default_name(slug)}, api_key=api_key)


def remove(slug: str) -> None:
    """Delete the key and its former versions. The row stays where models are deployed on it. Raises NotFound, InUse."""
    with audit.writing():
        key = locked(get(slug))
        users = [f"the active provider for {active.purpose}" for active in ActiveProvider.objects.pointing_at(key)]
        if users:
            raise InUse(label(key), users)
        if Deployment.objects.on(key).exists():
            nothing = {"staged_key": None, "activates_at": None, "activation_refusal": "", "rotation_due_at": None}
            store(key, nothing, secrets_for={"encrypted_key": None})
            for version in secret_versions.versions_of(key):
                secret_versions.revoke(version)
        else:
            provider_keys.delete(key=key)


def reveal(slug: str) -> tuple[str, str]:
    """(API key, database or environment): audited, so that it is known who saw it. Raises NotFound, Conflict."""
    with audit.writing():
        key = get(slug)
        assert key.encrypted_key is not None
        try:
            plaintext = secrets.reveal(key.encrypted_key, owner=key)
        except secrets.SecretUnreadable as error:
            raise Conflict("The key ring does not decrypt this key: enter it again.", code="undecryptable") from error
        source = source_of(key) or DATABASE
        seen = {"encrypted_key": key.encrypted_key.masked, "source": source}
        audit.record(action="reveal", entity_type=key._meta.db_table, entity_id=key.pk, before={}, after=seen)
    return plaintext, source


def _rank(key: ProviderKey) -> tuple[bool, bool, bool, int]:
    return key.encrypted_key_id is None, not key.enabled, key.is_from_environment, key.pk
