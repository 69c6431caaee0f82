"""A ledger of many years, written by the database itself past the services: N entries, a few wallets with most of them,
and a month's usage of 500 keys.

One wallet in 100,200 has a tenth of all entries, 199 a fifth together, and the others some twenty each.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from credits.models import Account
from gateway.usage.statements import margins_made_afresh
from opscenter.core.models import User

HOT, COLD = 200, 100_000
FIRST_NANO, COST_NANO = 10**15, 1_000
_PREPARE = """
SET session_replication_role = replica;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
"""
# By whose journal it is: the hottest wallet's, one of the hot ones', one of all the others'.
_PLACES = f"""
CREATE TEMPORARY TABLE placed AS
SELECT n, MD5(n::text)::uuid AS request,
  CASE WHEN n %% 10 < 2 THEN 0 WHEN n %% 10 < 6 THEN 1 + ((n / 10) * 4 + n %% 10 - 2) %% {HOT - 1}
    ELSE {HOT} + ((n / 10) * 4 + n %% 10 - 6) %% {COLD} END AS place,
  CASE WHEN n %% 10 < 2 THEN (n / 10) * 2 + n %% 10 WHEN n %% 10 < 6 THEN ((n / 10) * 4 + n %% 10 - 2) / {HOT - 1}
    ELSE ((n / 10) * 4 + n %% 10 - 6) / {COLD} END + 1 AS number
FROM GENERATE_SERIES(0, %(journals)s - 1) AS n
"""
_KIND = "CASE WHEN number = 1 THEN 'grant' WHEN number %% 5000 = 0 THEN 'manual' ELSE 'usage' END"
_JOURNALS = f"""
INSERT INTO credits_journals (id, idempotency_key, kind, reason, actor, created_at)
SELECT n + 1, CASE WHEN {_KIND} = 'usage' THEN 'usage:' || request ELSE {_KIND} || ':' || n END, {_KIND}, 'provider',
  '', NOW() - (%(journals)s - n) * INTERVAL '1 second'
FROM placed ORDER BY n
"""
_ENTRIES = f"""
INSERT INTO llm_transactions (journal_id, account_id, amount, version, balance_after, model, provider, tokens)
SELECT n + 1, CASE WHEN side = 0 THEN w.id ELSE s.id END, CASE WHEN side = 0 THEN change ELSE -change END,
  CASE WHEN side = 0 THEN number END, CASE WHEN side = 0 THEN {FIRST_NANO} - (number - 1) * {COST_NANO} END,
  CASE WHEN p.kind <> 'usage' THEN '' WHEN number = 10 THEN 'rare' ELSE 'm' || n %% 7 END,
  CASE WHEN p.kind <> 'usage' THEN '' ELSE 'p' || n %% 3 END, CASE WHEN p.kind <> 'usage' THEN 0 ELSE 30 END
FROM (SELECT *, {_KIND} AS kind, CASE WHEN number = 1 THEN {FIRST_NANO} ELSE -{COST_NANO} END AS change FROM placed) p
JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS place FROM llm_credits WHERE kind = 'wallet') w USING (place)
JOIN llm_credits s ON s.code = CASE WHEN p.kind = 'usage' THEN 'revenue' ELSE 'grants' END
CROSS JOIN GENERATE_SERIES(0, 1) AS side ORDER BY n, side
"""
_HOLDS = f"""
INSERT INTO credits_holds (id, account_id, amount, captured, state, mode, rates, basis, heartbeat_at, delivered_tokens,
  checkpoint_amount, lease_epoch, created_at, closed_at)
SELECT request, w.id, {COST_NANO}, {COST_NANO}, 'CAPTURED', 'platform', '{{}}', 'provider', NOW(), 0, 0, 1, NOW(), NOW()
FROM placed JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS place FROM llm_credits WHERE kind = 'wallet') w
  USING (place) WHERE {_KIND} = 'usage'
"""
_BALANCES = """
UPDATE llm_credits w SET posted = e.posted, entries_count = e.entries FROM (
  SELECT account_id, SUM(amount) AS posted, COUNT(*) AS entries FROM llm_transactions GROUP BY account_id) e
WHERE e.account_id = w.id AND w.kind = 'wallet'
"""
_USAGE = """
INSERT INTO llm_usage_stats (day, account_id, user_id, virtual_key_id, tier, power_level, model, provider, component,
  environment, requests, failed, refused, attempts, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens,
  charged_nano, overrun_nano, expense_nano, cost_nano_usd, duration_ms)
SELECT (NOW() AT TIME ZONE 'UTC')::date - day, key, key, key, (ARRAY['free', 'starter', 'pro'])[1 + key %% 3],
  'balanced', 'm' || model, 'p' || model %% 4, 'c' || key %% 5, 'prod', 33, 1, 1, 34, 10000, 0, 0, 20000,
  CASE WHEN model = 3 THEN 1000 ELSE 10000000000 END, 0, 1000, 7000000, 90000
FROM GENERATE_SERIES(0, 29) AS day, GENERATE_SERIES(1, 500) AS key, GENERATE_SERIES(1, 20) AS model
"""
_FINISH = """
SELECT SETVAL(PG_GET_SERIAL_SEQUENCE('credits_journals', 'id'), (SELECT MAX(id) FROM credits_journals));
SET session_replication_role = origin;
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Whom to look at: who has most entries, who some twenty, and one request of the former."""

    hot: Account
    cold: Account
    request: UUID


def make(entries: int) -> Crowd:
    """Into the empty database of this process, which is PostgreSQL's. Checks that the books balance."""
    call_command("migrate", verbosity=0)
    names = (User(username=f"crowd-{n}", password="!") for n in range(HOT + COLD))
    users = User.objects.bulk_create(names, batch_size=10_000)
    wallets = (Account(code=f"wallet:{user.pk}", user=user, tier="starter") for user in users)
    Account.objects.bulk_create(wallets, batch_size=10_000)
    with connection.cursor() as cursor:
        cursor.execute(_PREPARE)
        for statement in (_PLACES, _JOURNALS, _ENTRIES, _HOLDS):
            cursor.execute(statement, {"journals": entries // 2})
        cursor.execute(_BALANCES)
        cursor.execute(_USAGE, {})
        cursor.execute(margins_made_afresh(), {"first": date.min, "last": date.max})
        cursor.execute(_FINISH)
        cursor.execute("VACUUM ANALYZE")
    _check(entries)
    return _who()


def _check(entries: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), SUM(amount), COUNT(DISTINCT journal_id) FROM llm_transactions")
        assert cursor.fetchone() == (entries, 0, entries // 2)
        cursor.execute(
            "SELECT COUNT(*) FROM llm_transactions e JOIN llm_credits w ON w.id = e.account_id "
            "WHERE e.version = w.entries_count AND e.balance_after <> w.posted"
        )
        assert cursor.fetchone() == (0,)


def _who() -> Crowd:
    wallets = Account.objects.wallets().filter(user__username__startswith="crowd-").order_by("id")
    hot, cold = wallets[0], wallets[HOT + COLD // 2]
    newest = hot.entries.filter(version__lt=hot.entries_count // 2).exclude(model="").latest("version")
    request = newest.journal.request_id
    assert request is not None
    return Crowd(hot, cold, request)
