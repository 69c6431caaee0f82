"""A deployment on every provider and every type of server, as the snapshot has them."""

from secrets import token_hex

from llmconfig import snapshot
from llmconfig.models import AIServer, Purpose
from llmconfig.providers import PROVIDERS
from llmconfig.services import catalog, provider_keys, servers
from llmconfig.services.pointers import AI_SERVER, API_KEY
from llmconfig.target import Target

ANOTHER = "perplexity"
"""One that LiteLLM alone knows."""
UPSTREAM_MODEL = "vendor/some-model"
SERVER_TYPES = tuple(AIServer.ServerType.values)


def make_targets(purpose: str = Purpose.CHAT) -> dict[str, Target]:
    """By provider or server type; each has a key of its own and its own name as its model's."""
    for slug in (*PROVIDERS, ANOTHER):
        key = provider_keys.create(fields={"provider": slug, "key_name": "main"}, api_key=_key())
        _deploy(slug, purpose, API_KEY, key.pk)
    for kind in SERVER_TYPES:
        fields = {"name": kind, "server_type": kind, "base_url": f"http://{kind}.example:8000", **_everything()}
        _deploy(kind, purpose, AI_SERVER, servers.create(fields=fields, api_key=_key()).pk)
    return {name: model.targets[0] for name, model in snapshot.load().models.items()}


def _deploy(name: str, purpose: str, kind: str, pk: int) -> None:
    catalog.create_model(
        values={"name": name, "purpose": purpose, "input_price": "1"},
        deployments=[{"provider_type": kind, "provider_id": pk, "upstream_model": UPSTREAM_MODEL}],
    )


def _key() -> str:
    return f"sk-{token_hex(16)}"


def _everything() -> dict[str, bool]:
    return {f"use_for_{purpose}": True for purpose in Purpose.values}
