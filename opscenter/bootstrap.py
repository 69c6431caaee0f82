"""What a first start needs: a database, an admin, a key, something to call.

Every step looks first and does nothing where it was done before; secrets are returned once, by the call that made
them. `manage.py run` calls these, as the actor that it is.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from credits.amounts import to_nano
from credits.services import grants, wallets
from gateway.models import VirtualKey
from gateway.services import onboarding
from llmconfig.models import ActiveProvider, AIServer, Deployment, LLMModel, ProviderKey, Purpose
from llmconfig.services import active, catalog, first_catalog, servers, take_over
from llmconfig.services.pointers import AI_SERVER
from opscenter import demo_server
from opscenter.core.models import User
from opscenter.core.tiers import Tier

ADMIN = "admin"
CONSUMER = "demo"
CREDITS = "1000"
DEMO_SERVER_NAME = "demo-server (no language model)"
DEMO_PRICES_USD_PER_MTOK = {"input_price": "1", "output_price": "2"}


@dataclass(frozen=True, slots=True)
class Start:
    """What this start made: None where it was there already. `demo_port`: where the demo server has to listen."""

    admin_password: str | None
    key: str | None
    demo_port: int | None


def prepare(*, demo_port: int) -> Start:
    """Bring an empty or former installation to where calls can be served. Idempotent."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    provide()
    return Start(
        admin_password=ensure_admin(),
        key=ensure_key(),
        demo_port=demo_port if ensure_demo(port=demo_port) else None,
    )


def provide() -> None:
    """What calls can go to, at every start: a fresh installation's catalog, and what the environment names."""
    first_catalog.fill()
    take_over.take_over()


@transaction.atomic
def ensure_admin() -> str | None:
    """The one-time password of the new superuser `admin`; None where there is a superuser, or the name is taken."""
    if User.objects.filter(is_superuser=True).exists() or User.objects.filter(username=ADMIN).exists():
        return None
    password = secrets.token_urlsafe(12)
    user = User(username=ADMIN, is_staff=True, is_superuser=True)
    user.set_password(password)
    user.must_change_password = True
    user.save()
    return password


@transaction.atomic
def ensure_key() -> str | None:
    """The first virtual key, with CREDITS, trial included; None where there has been one."""
    if VirtualKey.objects.virtual().exists():
        return None
    issued = onboarding.issue_to(username=CONSUMER, tier=Tier.STARTER, name="Made by the first start")
    account = wallets.wallet_of(issued.row.user)
    if (short := to_nano(CREDITS) - account.posted) > 0:
        grants.adjust(account=account, amount_nano=short, reason="Given with a new virtual key")
    return issued.plaintext


@transaction.atomic
def ensure_demo(*, port: int) -> bool:
    """Whether the demo model server is wanted, registered then at `port`: nothing else is known, or it is active."""
    server = AIServer.objects.filter(metadata__demo=True).order_by("pk").first()
    if not _wants_demo(server):
        if server is not None:
            _offer(server, enabled=False)
        return False
    base_url = f"http://127.0.0.1:{port}"
    if server is None:
        server = _register_server(base_url)
        _register_model(server)
    else:
        server = servers.update(server=server, fields={"base_url": base_url})
        _offer(server, enabled=True)
    if not ActiveProvider.objects.filter(purpose=Purpose.CHAT).exists():
        active.set_active(purpose=Purpose.CHAT, primary=server, default_model=demo_server.MODEL)
    return True


def _wants_demo(server: AIServer | None) -> bool:
    if not settings.ALLOW_PRIVATE_AI_SERVERS or (server is not None and not server.enabled):
        return False
    others = [other for other in AIServer.objects.all() if other != server and not take_over.is_untouched(other)]
    if not others and not ProviderKey.objects.platform().filter(encrypted_key__isnull=False).exists():
        return True
    return server is not None and ActiveProvider.objects.pointing_at(server).exists()


def _offer(server: AIServer, *, enabled: bool) -> None:
    """Have the demo's models in what consumers may call, or not: a server that isn't started answers nobody."""
    for deployment in Deployment.objects.on(server).exclude(enabled=enabled):
        catalog.update_deployment(deployment=deployment, values={"enabled": enabled})


def _register_server(base_url: str) -> AIServer:
    return servers.create(
        fields={
            "name": DEMO_SERVER_NAME,
            "server_type": AIServer.ServerType.OPENAI_COMPATIBLE,
            "base_url": base_url,
            "model_path": demo_server.MODEL,
            "metadata": {"demo": True, "note": demo_server.LABEL},
        }
    )


def _register_model(server: AIServer) -> None:
    """The price is there to be seen in the ledger."""
    deployments: list[dict[str, Any]] = [
        {"provider_type": AI_SERVER, "provider_id": server.pk, "upstream_model": demo_server.MODEL}
    ]
    values = {"context_window": 8192, "max_output_tokens": 1024, **DEMO_PRICES_USD_PER_MTOK}
    model = LLMModel.objects.platform().filter(name=demo_server.MODEL).first()
    if model is not None:
        catalog.update_model(model=model, values=values, deployments=deployments)
        return
    values |= {"name": demo_server.MODEL, "purpose": Purpose.CHAT, "tier": Tier.FREE}
    catalog.create_model(values=values, deployments=deployments)
