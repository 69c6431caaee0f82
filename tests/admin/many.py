"""Many rows of everything that grows, behind the world that has a row of each; written past the services.

Ten thousand of what others point to, which a form might list; of what comes of use a thousand, twenty lists of them.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from credits.models import (
    Account,
    Budget,
    Entry,
    Hold,
    Journal,
    LedgerCheck,
    Lot,
    LotEntry,
    ManualAdjustment,
    Purchase,
    Reversal,
    StripeEvent,
    StripeReconciliation,
)
from gateway.models import AttemptRow, RequestRow, VirtualKey
from llmconfig.models import (
    AIServer,
    Deployment,
    HealthChange,
    HealthCheck,
    HealthRollup,
    LLMModel,
    Price,
    ProviderHealth,
    ProviderKey,
)
from opscenter.core.ids import uuid7
from opscenter.core.models import AuditEntry, Secret, User
from tests.admin.site import World

MANY = 10_000
USED = 1_000
SOME = 300


def make_many(world: World) -> None:
    users = create(User, (User(username=f"consumer{n}", password="!") for n in range(MANY)))
    wallets = create(Account, (Account(code=f"wallet:{user.pk}", user=user, posted=10**12) for user in users))
    _make_catalog(world)
    keys = (
        VirtualKey(public_id=f"id{n}", secret_hash=f"{n:064}", user=user, account=wallet, name=f"key {n}")
        for n, (user, wallet) in enumerate(zip(users, wallets, strict=True))
    )
    create(VirtualKey, keys)
    _make_calls(world)
    _make_ledger(world)
    _make_journal_of_changes(world.server)
    with connection.cursor() as cursor:
        # A database in use knows how large its tables are.
        cursor.execute("ANALYZE")


def _make_catalog(world: World) -> None:
    servers = create(
        AIServer, (AIServer(name=f"gpu {n}", server_type="vllm", base_url=f"http://gpu{n}:8000") for n in range(SOME))
    )
    keys = create(ProviderKey, (ProviderKey(provider="openai", key_name=f"key {n}") for n in range(SOME)))
    _make_health(world, servers, keys)
    models = create(LLMModel, (LLMModel(name=f"model-{n}", max_output_tokens=4000) for n in range(MANY)))
    places = [{"server": server} for server in servers] + [{"key": key} for key in keys]
    deployments = (
        Deployment(model=model, upstream_model="x", **places[n % len(places)]) for n, model in enumerate(models[:USED])
    )
    create(Deployment, deployments)
    create(Price, (Price(model=model, number=1, input_price=2) for model in models[:USED]))
    create(Deployment, (Deployment(model=world.model, upstream_model=f"x{n}", server=servers[n]) for n in range(20)))
    create(Secret, (_former_version(world.key, number) for number in range(2, SOME)))


def _former_version(key: ProviderKey, number: int) -> Secret:
    of = {"entity_type": key._meta.db_table, "entity_id": str(key.pk)}
    return Secret(**of, number=number, state="retired", masked="****abcd", ciphertext=b"x")


def _make_health(world: World, servers: list[AIServer], keys: list[ProviderKey]) -> None:
    now = timezone.now()
    rows = [ProviderHealth(subject=f"server:{server.pk}", server=server, due_at=now) for server in servers]
    rows += [ProviderHealth(subject=f"key:{key.pk}", key=key, due_at=now) for key in keys]
    create(ProviderHealth, rows)
    health = ProviderHealth.objects.get(server=world.server)
    times = [now - timedelta(minutes=n) for n in range(USED)]
    create(HealthCheck, (HealthCheck(health=health, at=at, status="unhealthy", latency_ms=9) for at in times))
    create(HealthChange, (HealthChange(health=health, at=at, before="healthy", after="unhealthy") for at in times))
    hours = (now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=n) for n in range(24 * 35))
    create(HealthRollup, (HealthRollup(health=health, period="hour", start=at, healthy=9) for at in list(hours)[1:]))


def _make_calls(world: World) -> None:
    now = timezone.now()
    wallet, key = world.wallet, world.virtual_key
    ids = [uuid7() for _ in range(USED)]
    create(Hold, (_hold(id, wallet, now, is_open=n % 2 == 0) for n, id in enumerate(ids)))
    create(
        RequestRow,
        (
            RequestRow(
                id=id,
                created_at=now - timedelta(seconds=n),
                user_id=wallet.user_id,
                account_id=wallet.pk,
                virtual_key_id=key.pk,
                endpoint="chat/completions",
                requested_model="m1",
                status=RequestRow.Status.values[n % 5],
                billing_basis="provider",
            )
            for n, id in enumerate(ids)
        ),
    )
    attempts = (
        AttemptRow(
            id=uuid7(),
            created_at=now,
            request_id=id,
            n=1,
            target="d",
            model="x",
            provider="local",
            transport="relay",
            outcome="answered",
        )
        for id in ids
    )
    create(AttemptRow, attempts)


def _hold(id: UUID, wallet: Account, now: Any, *, is_open: bool) -> Hold:
    ending: dict[str, Any] = {} if is_open else {"state": "CAPTURED", "captured": 0, "closed_at": now}
    return Hold(id=id, account=wallet, amount=1, heartbeat_at=now, created_at=now, **ending)


def _make_ledger(world: World) -> None:
    now, revenue = timezone.now(), Account.objects.get(code="revenue")
    first = Entry.objects.filter(account=world.wallet).count() + 1
    journals = create(
        Journal, (Journal(idempotency_key=f"grant:many:{n}", kind="grant", created_at=now) for n in range(USED))
    )
    sides: Iterable[Entry] = (
        entry
        for n, journal in enumerate(journals)
        for entry in (
            Entry(journal=journal, account=world.wallet, amount=1, version=first + n, balance_after=n),
            Entry(journal=journal, account=revenue, amount=-1),
        )
    )
    create(Entry, sides)
    create(Budget, (Budget(scope="key", scope_id=n, window="2026-10", cap=1) for n in range(USED)))
    _make_sales(world.wallet, journals)
    create(LedgerCheck, (LedgerCheck(asked_by="task:x", finished_at=now, problems=0) for _ in range(SOME)))


def _make_sales(wallet: Account, journals: list[Journal]) -> None:
    now, purchase = timezone.now(), Purchase.objects.get()
    later = (now + timedelta(days=n % 90 + 1) for n in range(USED))
    create(Lot, (Lot(account=wallet, journal=journals[0], amount=2, remaining=1, expires_at=at) for at in later))
    lot = Lot.objects.latest("pk")
    create(LotEntry, (LotEntry(lot=lot, journal=journal, amount=1) for journal in journals))
    terms = {"account": wallet, "package": purchase.package, "package_version": 1, "credits_nano": 1, "amount_minor": 1}
    create(Purchase, (Purchase(**terms, currency="usd", livemode=False, actor="user:1") for _ in range(USED)))
    of_purchase = {"purchase": purchase, "kind": "refund", "state": "requested", "amount_minor": 1}
    create(Reversal, (Reversal(**of_purchase) for _ in range(USED)))
    waiting = {"type": "charge.refunded", "livemode": False, "created": now, "payload": {}, "state": "waiting"}
    create(StripeEvent, (StripeEvent(id=f"evt_{n}", payment_intent="pi_of_a_test", **waiting) for n in range(USED)))
    create(StripeReconciliation, (StripeReconciliation(days=35, livemode=False) for _ in range(SOME)))
    by = ManualAdjustment.objects.get(state="proposed").proposed_by
    made = {"account": wallet, "amount": 1, "reason": "x", "state": "made", "proposed_by": by}
    create(ManualAdjustment, (ManualAdjustment(**made) for _ in range(USED)))


def _make_journal_of_changes(server: AIServer) -> None:
    changes = {"before": {"name": "x"}, "after": {"name": "y"}}
    create(
        AuditEntry,
        (
            AuditEntry(action="update", entity_type="ai_servers", entity_id=server.pk, source="api", changes=changes)
            for _ in range(USED)
        ),
    )


def create(model: type[Model], rows: Iterable[Any]) -> list[Any]:
    return model._default_manager.bulk_create(rows, batch_size=2000)
