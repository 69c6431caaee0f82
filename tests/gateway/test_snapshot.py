"""The snapshot follows the database within a second, and refuses to serve what is old."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from credits.services import wallets
from gateway import callers
from gateway.callers import Caller
from gateway.errors import GatewayNotReady, TooManyUnknownKeys
from gateway.services import keys
from gateway.snapshot import MOST_UNKNOWN, SnapshotKeeper
from opscenter.core.models import ConfigVersion
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person, wallet
from tests.llmconfig.api import Api, on_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

# From the commit on: the second that was promised, and what a busy machine takes for itself.
SOON_S = 15.0


@pytest.fixture
def keeper() -> Iterator[SnapshotKeeper]:
    keeper = SnapshotKeeper()
    keeper.start()
    eventually(lambda: keeper.is_fresh)
    yield keeper
    keeper.stop()


def test_a_change_is_in_force_soon(alice: Api, keeper: SnapshotKeeper) -> None:
    assert keeper.current().catalog.models == {}

    alice.model(on_server(alice.server()))

    eventually(lambda: "m1" in keeper.current().catalog.models, SOON_S)


def test_a_revoked_key_is_dead_soon(serving: InProcess) -> None:
    key = key_of(person("bob", "LLM user"))
    assert serving.get("/v1/models", key=key.plaintext).status_code == 200

    keys.revoke(key.row)

    eventually(lambda: serving.get("/v1/models", key=key.plaintext).status_code == 401, SOON_S)


def test_a_deactivated_users_keys_are_dead_soon(serving: InProcess) -> None:
    bob = person("bob", "LLM user")
    key = key_of(bob).plaintext
    serving.sees_changes()
    assert serving.get("/v1/models", key=key).status_code == 200

    bob.is_active = False
    bob.save()

    eventually(lambda: serving.get("/v1/models", key=key).status_code == 401, SOON_S)


def test_a_user_who_leaves_the_group_calls_nothing_soon(serving: InProcess) -> None:
    bob = person("bob", "LLM user")
    key = key_of(bob).plaintext
    assert serving.get("/v1/models", key=key).status_code == 200

    bob.groups.clear()

    eventually(lambda: serving.get("/v1/models", key=key).status_code == 403, SOON_S)


def test_another_tier_is_in_force_soon(keeper: SnapshotKeeper) -> None:
    bob = person("bob", "LLM user")
    key = key_of(bob).row.secret_hash

    wallets.set_tier(account=wallet(bob), tier="enterprise")

    eventually(lambda: (seen := keeper.current().callers.get(key)) and seen.tier == "enterprise", SOON_S)


def test_a_key_expires_to_the_second_without_a_new_snapshot(
    serving: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = timezone.now() + timedelta(minutes=1)
    key = key_of(person("bob", "LLM user"), expires_at=ends).plaintext
    serving.sees_changes()

    for second, status in ((-1, 200), (0, 401)):
        monkeypatch.setattr("time.time", lambda second=second: ends.timestamp() + second)
        assert serving.get("/v1/models", key=key).status_code == status


def test_a_new_key_works_at_once_and_is_forgotten_with_the_snapshot(serving: InProcess) -> None:
    bob = person("bob", "LLM user")
    serving.sees_changes()
    keeper = serving.runtime.snapshots
    key = key_of(bob)
    before = keeper.current()
    secret_hash = key.row.secret_hash

    assert serving.run(keeper.caller(secret_hash)) is not None

    assert secret_hash not in before.callers
    assert before.late[secret_hash] is serving.run(keeper.caller(secret_hash))
    keys.revoke(key.row)
    eventually(lambda: keeper.current() is not before)
    assert secret_hash not in keeper.current().late


def test_a_flood_of_unknown_keys_costs_few_queries_and_hides_no_new_one(
    serving: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = serving.runtime.snapshots
    good = key_of(person("bob", "LLM user"))
    asked: list[int] = []
    load = callers.load

    def counted(hashes: Collection[str] | None = None) -> dict[str, Caller]:
        asked.append(len(hashes or ()))
        return load(hashes)

    monkeypatch.setattr(callers, "load", counted)

    async def flood() -> list[Any]:
        hashes = [f"{number:064}" for number in range(2 * MOST_UNKNOWN)]
        hashes[MOST_UNKNOWN // 2] = good.row.secret_hash
        return await asyncio.gather(*map(keeper.caller, hashes), return_exceptions=True)

    answers = serving.run(flood())

    found = [answer for answer in answers if isinstance(answer, Caller)]
    assert [caller.key_id for caller in found] == [good.row.pk]
    assert Counter(type(answer) for answer in answers)[TooManyUnknownKeys] >= 1
    assert sum(asked) <= 2 * MOST_UNKNOWN
    assert len(asked) <= 10
    assert keeper.current().late.keys() <= {good.row.secret_hash}


def test_an_unknown_key_is_no_401_while_the_database_is_away(
    serving: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(hashes: object = None) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr(callers, "load", away)

    refusal = serving.get("/v1/models", key="sk-ops-nobody")

    assert refusal.status_code == 503
    assert refusal.json()["error"]["code"] == "not_ready"


def test_a_new_key_is_found_again_after_connections_were_lost(serving: InProcess) -> None:
    bob = person("bob", "LLM user")
    serving.sees_changes()
    assert serving.get("/v1/models", key=key_of(bob).plaintext).status_code == 200

    _cut_other_connections()

    later = key_of(bob).plaintext
    assert serving.get("/v1/models", key=later).status_code == 200


def _cut_other_connections() -> None:
    """SQLite has none to cut."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def test_a_stale_snapshot_serves_nobody(keeper: SnapshotKeeper, settings: Settings) -> None:
    settings.SNAPSHOT_STALE_S = 0

    assert not keeper.is_fresh
    with pytest.raises(GatewayNotReady) as refusal:
        keeper.current()
    assert refusal.value.status == 503
    assert refusal.value.headers["Retry-After"]


def test_before_the_first_snapshot_nobody_is_served() -> None:
    with pytest.raises(GatewayNotReady):
        SnapshotKeeper().current()


def test_a_keeper_that_can_not_read_grows_stale_and_recovers(keeper: SnapshotKeeper, settings: Settings) -> None:
    settings.SNAPSHOT_STALE_S = 0.9
    table = ConfigVersion._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO hidden_version")
    try:
        eventually(lambda: not keeper.is_fresh)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE hidden_version RENAME TO {table}")

    eventually(lambda: keeper.is_fresh)
