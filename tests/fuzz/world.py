"""What is there to be asked about: rows of everything, and anew what an earlier case changed or deleted."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from credits.amounts import to_nano
from credits.models import Budget, ManualAdjustment, Plan, Purchase
from credits.services import grants, wallets
from gateway.models import RequestRow, VirtualKey
from gateway.services import keys
from llmconfig.models import AIServer, Deployment, KeyTrial, LLMModel, ProviderKey
from llmconfig.services import active, catalog, provider_keys, servers
from opscenter.core.models import AuditEntry, User

# By the part of the path that is before the parameter.
_TABLES: dict[str, Any] = {
    "servers": AIServer.objects.all(),
    "api-keys": ProviderKey.objects.platform(),
    "providers": ProviderKey.objects.of_consumers(),
    "models": LLMModel.objects.all(),
    "deployments": Deployment.objects.all(),
    "keys": VirtualKey.objects.all(),
    "audit": AuditEntry.objects.all(),
    "requests": RequestRow.objects.all(),
    "adjustments": ManualAdjustment.objects.all(),
    "purchases": Purchase.objects.all(),
}
PEOPLE = ("alice", "bob", "root")
_PURPOSES = ("chat", "embeddings", "reranking")


@dataclass(frozen=True, slots=True)
class Rows:
    """`tables` has primary keys; `fields` what a field of a body may name."""

    tables: dict[str, list[Any]]
    fields: dict[str, list[Any]]

    def named(self, path: str, parameter: str, value: object) -> list[Any]:
        """What `parameter` of `path` may stand for."""
        if parameter == "provider":
            return ["openai", "openrouter"]
        if parameter == "purpose":
            return list(_PURPOSES)
        if parameter == "number":
            return [1, 2]
        if parameter == "name":
            return self.fields["model"]
        before = path.split("{" + parameter, maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1]
        return self.tables.get(before, [])


def furnish(user: User, *, base_url: str) -> Rows:
    """A server and models that answer, provider keys of the platform and of everybody, and credits, under names that
    are new each time; everybody may do again what an earlier case had them do too often, or lose the tier for.
    """
    mark = token_hex(4)
    serves = dict.fromkeys((f"use_for_{purpose}" for purpose in _PURPOSES), True)
    fields = {"name": f"gpu-{mark}", "server_type": "vllm", "base_url": base_url, "model_path": "demo"}
    server = servers.create(fields=fields | serves, api_key=token_hex(16))
    openai = {"provider": "openai", "key_name": f"key-{mark}", "base_url": base_url}
    platform = provider_keys.create(fields=openai, api_key=token_hex(16))
    provider_keys.create(fields=openai | {"provider": "openrouter"}, api_key=token_hex(16))
    models = [_model(f"{purpose}-{mark}", purpose, server) for purpose in _PURPOSES]
    for purpose in _PURPOSES:
        active.set_active(purpose=purpose, primary=server)
    for payer in User.objects.filter(username__in=PEOPLE):
        provider_keys.create(fields=openai | {"owner": payer}, api_key=token_hex(16))
        wallets.set_tier(account=wallets.wallet_of(payer), tier="enterprise")
        grants.adjust(account=wallets.wallet_of(payer), amount_nano=to_nano("100"), reason="To be asked for")
    KeyTrial.objects.all().delete()
    key = keys.issue(user=user, name=f"key-{mark}").row
    Budget.objects.filter(scope="key", scope_id=key.pk).delete()
    return _rows([model.name for model in models], server=server, platform=platform)


def _model(name: str, purpose: str, server: AIServer) -> LLMModel:
    deployment = {"provider_type": "ai_server", "provider_id": server.pk, "upstream_model": "demo"}
    values = {"name": name, "purpose": purpose, "max_output_tokens": 4000, "input_price": "2.00"}
    return catalog.create_model(values=values, deployments=[deployment])


def _rows(models: list[str], *, server: AIServer, platform: ProviderKey) -> Rows:
    tables: dict[str, list[Any]] = {}
    for part, table in _TABLES.items():
        latest = table.order_by("-pk").values_list("pk", flat=True)[:6]
        tables[part] = [pk if isinstance(pk, int) else str(pk) for pk in latest]
    fields: dict[str, list[Any]] = {
        "model": models,
        "provider": ["openai", "vllm"],
        "provider_type": ["ai_server", "api_key"],
        "provider_id": [server.pk, platform.pk],
        "package": ["of-a-test"],
        "plan": list(Plan.objects.values_list("slug", flat=True)),
        "power_level": ["eco", "balanced", "precision"],
        "amount": ["1", "-0.5", "2.25"],
        "user": list(PEOPLE),
        "base_url": [server.base_url],
        "server_type": [server.server_type],
        "environment": ["dev", "prod"],
    }
    return Rows(tables, fields)
