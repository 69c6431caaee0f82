"""Months of calls, written by the database itself past the gateway: N requests with an attempt each, and their sums.

Of 1,000 users with two keys each one makes a tenth of the calls, and the others share the rest. A key is one
component's, and calls three models. The sums are made as `check_usage --repair` makes them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from credits.amounts import to_nano
from credits.models import Account
from credits.services import grants
from gateway.models import UsageStat, VirtualKey
from gateway.partitions import TABLES
from gateway.usage import statements
from gateway.usage.check import Days
from opscenter.core.models import User
from tests.admin.site import make_request

USERS, DAYS = 1_000, 92
_PREPARE = """
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
"""
# Who, and when: a UUIDv7 begins with its milliseconds.
_PLACED = f"""
SELECT n, {{since}} + n * {{span}} / %(requests)s AS ms,
  CASE WHEN n %% 10 = 0 THEN 0 ELSE 1 + (n * 7919) %% {USERS - 1} END AS place,
  (n / 7) %% 2 AS which, (n / 11) %% 3 AS m
FROM GENERATE_SERIES(0::bigint, %(requests)s - 1) AS n
"""
_ID = "(LPAD(TO_HEX(ms), 12, '0') || '7' || SUBSTR(MD5(n::text), 1, 3) || 'a' || SUBSTR(MD5(n::text), 4, 15))::uuid"
_RATES = (
    '{"input": "2.00", "cached_input": "0.50", "cache_write": "2.50", "output": "8.00", "markup": "0.4000", '
    '"multiplier": "1.00", "price_id": 7, "tier_version": 3, "power_level_version": 2, "target": "d:7"}'
)
_REQUESTS = f"""
INSERT INTO llm_requests (id, created_at, user_id, account_id, virtual_key_id, client_request_id, endpoint, tier,
  power_level, environment, component, operation, routing_path, requested_model, model, provider, streamed, status,
  http_status, error_code, attempts, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens,
  billing_basis, held_nano, charged_nano, overrun_nano, expense_nano, cost_nano_usd, rates, duration_ms,
  first_token_ms, overhead_ms)
SELECT {_ID}, TO_TIMESTAMP(ms / 1000.0), {{first_user}} + place, {{first_account}} + place,
  {{first_key}} + place * 2 + which, '', 'chat/completions', 'starter', 'precision',
  CASE WHEN which = 0 THEN 'prod' ELSE 'dev' END, 'c' || place %% 5, CASE WHEN n %% 4 = 0 THEN 'ranking' ELSE '' END,
  '', 'm' || (place + m) %% 20, CASE WHEN n %% 100000 = 77 THEN 'rare' ELSE 'm' || (place + m) %% 20 END,
  'p' || (place + m) %% 4, n %% 2 = 0,
  CASE WHEN n %% 100 = 3 THEN 'failed' WHEN n %% 200 = 5 THEN 'refused' ELSE 'succeeded' END, 200, '', 1,
  100 + n %% 900, n %% 90, 0, 50 + n %% 300, 'provider', 9000000000, 100000 + n %% 1000000, 0, 0, 70 + n %% 700,
  JSONB_BUILD_OBJECT('tier', 'starter', 'credits_per_usd', '1000', 'candidates', JSONB_BUILD_ARRAY('{_RATES}'::jsonb)),
  300 + n %% 9000, 100 + n %% 400, 1.5
FROM ({_PLACED}) placed ORDER BY n
"""
_ATTEMPTS = f"""
INSERT INTO llm_attempts (id, created_at, request_id, n, target, deployment_id, model, provider, transport,
  provider_key_id, price_id, rates, outcome, upstream_status, message, usage_source, prompt_tokens, cached_tokens,
  cache_write_tokens, completion_tokens, cost_usd, duration_ms)
SELECT {_ID}, TO_TIMESTAMP(ms / 1000.0), {_ID}, 1, 'openai: main (d:7)', 7, 'gpt-x', 'p' || (place + m) %% 4, 'relay',
  NULL, 7, '{_RATES}'::jsonb, 'answered', 200, '', 'provider', 100 + n %% 900, n %% 90, 0, 50 + n %% 300,
  (70 + n %% 700) / 1000000000.0, 300 + n %% 9000
FROM ({_PLACED}) placed ORDER BY n
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Whom to look at: who made a tenth of the calls, who one of the others; a request of the former, and one that the
    ledger knows. `sums` is how many rows of usage per day there are.
    """

    hot: User
    quiet: User
    request: UUID
    billed: UUID
    sums: int


def make(requests: int) -> Traffic:
    """Into the empty database of this process, which is PostgreSQL's."""
    call_command("migrate", verbosity=0)
    users = User.objects.bulk_create(User(username=f"crowd-{n}", password="!") for n in range(USERS))
    accounts = Account.objects.bulk_create(
        Account(code=f"wallet:{user.pk}", user=user, tier="starter") for user in users
    )
    keys = VirtualKey.objects.bulk_create(
        VirtualKey(
            public_id=f"id{user.pk}{n}",
            secret_hash=f"{user.pk * 2 + n:064}",
            user=user,
            account=account,
            name=f"key {n}",
        )
        for user, account in zip(users, accounts, strict=True)
        for n in range(2)
    )
    assert (users[-1].pk - users[0].pk, keys[-1].pk - keys[0].pk) == (USERS - 1, 2 * USERS - 1)
    now = datetime.now(UTC)
    _write(requests, now, {"user": users[0].pk, "account": accounts[0].pk, "key": keys[0].pk})
    grants.adjust(account=accounts[0], amount_nano=to_nano("1000"), reason="A start")
    billed = make_request(accounts[0], keys[0])
    return Traffic(users[0], users[500], _middle(users[0]), billed.pk, UsageStat.objects.count())


def _write(requests: int, now: datetime, firsts: dict[str, int]) -> None:
    since = now - timedelta(days=DAYS)
    span_ms = DAYS * 86_400_000
    placed = {
        "since": f"{int(since.timestamp() * 1000)}::bigint",
        "span": f"{span_ms}::bigint",
        **{f"first_{what}": str(pk) for what, pk in firsts.items()},
    }
    days = Days(since.date(), now.date())
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)
        for statement in _partitions(since, now):
            cursor.execute(statement)
        for statement in (_REQUESTS, _ATTEMPTS):
            for name, value in placed.items():
                statement = statement.replace(f"{{{name}}}", value)
            cursor.execute(statement, {"requests": requests})
        cursor.execute(statements.made_afresh("postgresql"), days.parameters())
        cursor.execute(statements.margins_made_afresh(), days.parameters())
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT COUNT(*) FROM llm_requests UNION ALL SELECT SUM(requests) FROM llm_usage_stats")
        assert [int(count) for (count,) in cursor.fetchall()] == [requests] * 2


def _partitions(since: datetime, now: datetime) -> list[str]:
    """Of the months before this one: those from this one on are there after migrating."""
    made = []
    first = since.date().replace(day=1)
    while first < now.date().replace(day=1):
        after = (first + timedelta(days=32)).replace(day=1)
        made += [
            f"CREATE TABLE {table}_{first:%Y_%m} PARTITION OF {table} FOR VALUES FROM ('{first}') TO ('{after}')"
            for table in TABLES
        ]
        first = after
    return made


def _middle(user: User) -> UUID:
    """One of the user's requests of the day in the middle."""
    noon = datetime.combine((datetime.now(UTC) - timedelta(days=DAYS // 2)).date(), time(12), UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM llm_requests WHERE user_id = %s AND created_at >= %s ORDER BY created_at LIMIT 1",
            [user.pk, noon],
        )
        (found,) = cursor.fetchone()
    assert isinstance(found, UUID)
    return found
