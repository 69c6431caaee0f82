"""The admin as a person in a browser sees it, and a world with a row of everything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from secrets import token_hex
from typing import Any

from axes.models import AccessAttempt
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.amounts import to_nano
from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Facts, Reserve, Sweep
from credits.models import Account, Budget, Hold, LowBalance
from credits.services import grants, ledger_checks, wallets
from gateway.models import AttemptRow, RequestRow, VirtualKey
from gateway.records import time_of
from gateway.services import keys
from gateway.usage import rollup
from llmconfig.health import recording
from llmconfig.models import ActiveProvider, AIServer, LLMModel, ProviderKey, ProxyState
from llmconfig.services import active, catalog, provider_keys, servers
from llmconfig.services.probe import Probe
from opscenter.core.ids import uuid7
from opscenter.core.models import Alert, AuditEntry, ConfigVersion, User
from tests.admin.money import make_money

SERVER_SECRET = f"{token_hex(12)}77aa"
PROVIDER_SECRET = f"{token_hex(12)}5d80"
CONSUMER_SECRET = f"{token_hex(12)}41c7"


@dataclass(frozen=True, slots=True)
class World:
    server: AIServer
    key: ProviderKey
    model: LLMModel
    active: ActiveProvider
    wallet: Account
    virtual_key: VirtualKey
    plaintext: str
    request: RequestRow

    @property
    def secrets(self) -> tuple[str, ...]:
        return SERVER_SECRET, PROVIDER_SECRET, CONSUMER_SECRET, self.plaintext, self.virtual_key.secret_hash


def make_world(consumer: User, *, base_url: str = "http://127.0.0.1:9") -> World:
    server = servers.create(
        fields={"name": "gpu", "server_type": "vllm", "base_url": base_url, "model_path": "demo"},
        api_key=SERVER_SECRET,
    )
    recording.record_test(server, Probe("healthy", latency_ms=7, models=("demo",), message="1 models."))
    key = provider_keys.create(fields={"provider": "openai", "key_name": "main"}, api_key=PROVIDER_SECRET)
    own = {"provider": "openai", "key_name": "own", "owner": consumer}
    provider_keys.create(fields=own, api_key=CONSUMER_SECRET)
    model = catalog.create_model(
        values={"name": "m1", "max_output_tokens": 4000, "input_price": "2.00"},
        deployments=[
            {"provider_type": "ai_server", "provider_id": server.pk, "upstream_model": "x"},
            {"provider_type": "api_key", "provider_id": key.pk, "upstream_model": "gpt-x", "priority": 1},
        ],
    )
    chosen = active.set_active(purpose="chat", primary=server, fallback=key, fallback_model="m1")
    wallet = wallets.wallet_of(consumer)
    grants.adjust(account=wallet, amount_nano=to_nano("1000"), reason="A start")
    issued = keys.issue(user=consumer, name="laptop")
    request = make_request(wallet, issued.row)
    AccessAttempt.objects.create(
        username=consumer.username, ip_address="192.0.2.7", user_agent="password", failures_since_start=1
    )
    Budget.objects.create(scope="key", scope_id=issued.row.pk, window="2026-11", cap=to_nano("5"))
    now = timezone.now()
    Alert.objects.create(
        type="credits.low_balance", about="1", channel="email", headline="It is low", happened_at=now, sent_at=now
    )
    LowBalance.objects.create(account=wallet, since=now, balance_nano=to_nano("9"), threshold_nano=to_nano("10"))
    ledger_checks.make()
    make_money(wallet, User.objects.get_or_create(username="olga")[0])
    ProxyState.objects.create(status="drifted", differences=[["missing", "m1", "Not served."]], difference_count=1)
    wallet.refresh_from_db()
    return World(server, key, model, chosen, wallet, issued.row, issued.plaintext, request)


def make_request(wallet: Account, key: VirtualKey) -> RequestRow:
    """A request that was held for, answered at its second attempt and charged 0.7 credits."""
    id = uuid7()
    billed = {
        **dict.fromkeys(("input", "cached_input", "cache_write", "output"), "2.00"),
        "markup": "0.4",
        "multiplier": "0.25",
    }
    rates = {"tier": "free", "credits_per_usd": "1000", "candidates": [{"target": "d:1", **billed}]}
    book.apply([Reserve(id, wallet.pk, key.pk, to_nano("20"), 1)])
    book.apply([Capture(id, wallet.pk, 1, to_nano("0.7"), "provider", Facts("m1", "local", 30))])
    common = {"created_at": time_of(id), "provider": "local"}
    for n, outcome in ((1, "unreachable"), (2, "answered")):
        AttemptRow.objects.create(
            id=uuid7(),
            request_id=id,
            n=n,
            target=f"d:{n}",
            model="x",
            transport="relay",
            outcome=outcome,
            rates=billed,
            **common,
        )
    row = RequestRow.objects.create(
        id=id,
        user_id=wallet.user_id,
        account_id=wallet.pk,
        virtual_key_id=key.pk,
        endpoint="chat/completions",
        requested_model="m1",
        model="m1",
        status="succeeded",
        http_status=200,
        attempts=2,
        prompt_tokens=600,
        completion_tokens=400,
        billing_basis="provider",
        held_nano=to_nano("20"),
        charged_nano=to_nano("0.7"),
        rates=rates,
        **common,
    )
    rollup.count([row])
    return row


def make_late_request(wallet: Account) -> None:
    """The sweep charged 0.5 credits for it; then its worker came back, and it had cost 0.2."""
    id = uuid7()
    book.apply([Reserve(id, wallet.pk, None, to_nano("1"), 1)])
    book.beat([Beat(id, 10, to_nano("0.5"))])
    Hold.objects.filter(pk=id).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    book.apply([Sweep(id, wallet.pk, stale_s=60)])
    book.apply([Capture(id, wallet.pk, 1, to_nano("0.2"), "provider", Facts("m1", "local", 30))])


class Site:
    """`Site(user).get("llm_aiserver_changelist")`: pages by their names in the admin."""

    def __init__(self, user: User | None = None, *, checks_csrf: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=checks_csrf)
        if user is not None:
            self.client.force_login(user)

    def get(self, page: str, *arguments: Any, **query: Any) -> HttpResponse:
        return self.client.get(address(page, *arguments), query)  # type: ignore[return-value]

    def open(self, page: str) -> Any:
        """What the template of a page was given."""
        return self.client.get(address(page)).context

    def post(self, page: str, *arguments: Any, data: Mapping[str, Any] | None = None) -> HttpResponse:
        return self.client.post(address(page, *arguments), dict(data or {}))  # type: ignore[return-value]

    def press(self, page: str, row: Any, name: str, /, **data: Any) -> HttpResponse:
        """Press the button `name` on the page of `row`; the page that follows."""
        return self.client.post(address(f"{page}_button", row.pk, name), data, follow=True)  # type: ignore[return-value]

    def form(self, page: str, *arguments: Any) -> dict[str, Any]:
        """What the form of a page would send if it were saved as it is."""
        context = self.client.get(address(page, *arguments)).context
        forms = [context["adminform"].form]
        for inline in context["inline_admin_formsets"]:
            forms += [inline.formset.management_form, *inline.formset.forms]
        values: dict[str, Any] = {}
        for form in forms:
            for bound in form:
                values.update(_sent(bound))
        return values


def _sent(bound: Any) -> dict[str, Any]:
    raw = bound.value()
    if hasattr(bound.field.widget, "widgets"):
        parts = bound.field.widget.decompress(raw)
        return {f"{bound.html_name}_{n}": "" if part is None else part for n, part in enumerate(parts)}
    if isinstance(raw, bool):
        return {bound.html_name: "on"} if raw else {}
    return {bound.html_name: "" if raw is None else raw}


def address(page: str, *arguments: Any) -> str:
    return reverse(f"admin:{page}", args=arguments)


def text(response: Any) -> str:
    """What the page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def version() -> int:
    return ConfigVersion.objects.get().version


def last_entry() -> AuditEntry:
    return AuditEntry.objects.latest("id")
