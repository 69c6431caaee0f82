"""`python -m bench.pages`: how long the ledger's pages and its API take with ten million entries, on PostgreSQL.

Each answer is made whole, by Django's test client in this process: everything but the network.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.timed import TARGET_MS, TRIES, Timed, installation, table, timed

_WRITTEN = 200_000
_OF_MARGINS = {
    "admin: front page": "/admin/",
    "admin: usage per day, first page": "/admin/gateway/usagestat/",
    "admin: usage per day, page 100": "/admin/gateway/usagestat/?p=100",
    "admin: margin by day, model and tier": "/admin/gateway/usagestat/margin/",
    "admin: margin by model, tier and day, page 9": "/admin/gateway/usagestat/margin/?group_by=model,tier,day&p=9",
    "API, operator: margin by day": "/api/v1/llm/credits/margin",
    "API, operator: margin by day, model and tier (1800)": "/api/v1/llm/credits/margin?group_by=day,model,tier",
}


class Index(NamedTuple):
    """What a further `_WRITTEN` entries take with it and without it."""

    name: str
    mib: float
    with_us: float
    without_us: float


def main() -> None:
    options = _options()
    with installation("pages"):
        report = _measure(options.entries)
    if options.output:
        options.output.write_text(report)
    print(report)


def _measure(entries: int) -> str:
    from bench import crowd, machine  # noqa: PLC0415 - need the loaded apps

    about = machine.describe()
    began = time.monotonic()
    people = crowd.make(entries)
    print(f"{entries} entries written in {time.monotonic() - began:.0f} s", flush=True)
    rows = [timed(*page) for page in _pages(people)]
    indexes = list(_indexes(people.cold.pk))
    return _report(about, entries, people.hot.entries_count, rows, indexes)


def _pages(people: Any) -> Iterator[tuple[str, Any, str]]:
    """(what, who asks, address)."""
    from django.test import Client  # noqa: PLC0415 - as above

    from opscenter.core.models import User  # noqa: PLC0415 - as above

    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    for name, query in {**_lists(people), **_forms(people)}.items():
        yield f"admin: {name}", root, f"/admin/credits/{query}"
    for name, address in _OF_MARGINS.items():
        yield name, root, address
    for account, whose in ((people.hot, "busiest wallet"), (people.cold, "quiet wallet")):
        client = _consumer(account)
        for name, query in _of_consumer(account, people).items():
            yield f"API, {whose}: {name}", client, f"/api/v1/llm/credits{query}"
    name = people.hot.user.username
    yield "API, operator: transactions of a user", root, f"/api/v1/llm/credits/transactions?user={name}"


def _lists(people: Any) -> dict[str, str]:
    from credits.models import Account  # noqa: PLC0415 - as above

    revenue, overrun = (Account.objects.get(code=code).pk for code in ("revenue", "expense:overrun"))
    return {
        "journals, first page": "journal/",
        "journals, page 100": "journal/?p=100",
        "journals, by a request": f"journal/?q={people.request}",
        "entries, first page": "entry/",
        "entries, page 100": "entry/?p=100",
        "entries of the busiest wallet": f"entry/?account__id__exact={people.hot.pk}",
        "entries of a quiet wallet": f"entry/?account__id__exact={people.cold.pk}",
        "entries of revenue": f"entry/?account__id__exact={revenue}",
        "entries of expense:overrun, which has none": f"entry/?account__id__exact={overrun}",
        "accounts, first page": "account/",
        "accounts, last page": "account/?p=2000",
        "accounts of a tier": "account/?tier__exact=starter",
        "accounts, by a user's name": "account/?q=crowd-4711",
        "holds, first page": "hold/",
        "holds, page 100": "hold/?p=100",
        "holds, open ones": "hold/?open=yes",
        "holds, by a request": f"hold/?q={people.request}",
    }


def _forms(people: Any) -> dict[str, str]:
    from credits.models import Account, Entry, Hold, Journal  # noqa: PLC0415 - as above

    return {
        "account page of the busiest wallet": f"account/{people.hot.pk}/change/",
        "account page of a quiet wallet": f"account/{people.cold.pk}/change/",
        "account page of revenue": f"account/{Account.objects.get(code='revenue').pk}/change/",
        "journal page": f"journal/{Journal.objects.latest('id').pk}/change/",
        "entry page": f"entry/{Entry.objects.latest('id').pk}/change/",
        "hold page": f"hold/{Hold.objects.latest('id').pk}/change/",
    }


def _consumer(account: Any) -> Any:
    from django.contrib.auth.models import Group  # noqa: PLC0415 - as above
    from django.test import Client  # noqa: PLC0415 - as above

    account.user.groups.add(Group.objects.get(name="LLM user"))
    client = Client()
    client.force_login(account.user)
    return client


def _of_consumer(account: Any, people: Any) -> dict[str, str]:
    moment = people.hot.entries.get(version=people.hot.entries_count // 2).journal.created_at
    times = f"from={moment:%Y-%m-%dT%H:%M:%SZ}&to={moment:%Y-%m-%dT23:59:59Z}"
    return {
        "credits": "",
        "transactions, first page": "/transactions",
        "transactions, 200 from the middle": f"/transactions?page_size=200&cursor={account.entries_count // 2 + 1}",
        "transactions, by kind: grant": "/transactions?kind=grant",
        "transactions, by kind: manual": "/transactions?kind=manual",
        "transactions, by kind: usage": "/transactions?kind=usage",
        "transactions, by kind: adjustment (none)": "/transactions?kind=adjustment",
        "transactions, by a frequent model": "/transactions?model=m1",
        "transactions, by a rare model": "/transactions?model=rare",
        "transactions, by a provider that was never asked": "/transactions?provider=none",
        "transactions, between two times": f"/transactions?{times}",
        "transactions, of a request": f"/transactions?request={people.request}",
    }


def _indexes(account_id: int) -> Iterator[Index]:
    """Each index of the entries that is no key, made anew after it is dropped."""
    from django.db import connection  # noqa: PLC0415 - as above

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef, pg_relation_size(indexname::regclass) / 1048576.0 FROM pg_indexes "
            "WHERE tablename = 'llm_transactions' AND indexname NOT LIKE '%%pkey'",
            [],
        )
        for name, definition, mib in cursor.fetchall():
            with_it = _write(cursor, account_id)
            cursor.execute("ALTER TABLE llm_transactions DROP CONSTRAINT IF EXISTS entry_version_once_per_account")
            cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
            without = _write(cursor, account_id)
            cursor.execute(definition)
            yield Index(name, float(mib), with_it, without)


def _write(cursor: Any, account_id: int) -> float:
    """Microseconds that one entry of a call takes, of the better of two tries; they are rolled back."""
    best = float("inf")
    for _ in range(2):
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL session_replication_role = replica")
        began = time.perf_counter()
        cursor.execute(
            "INSERT INTO llm_transactions (journal_id, account_id, amount, version, balance_after, model, provider, "
            "tokens) SELECT 1, %s, -1, 1000000000 + n, 1, 'm1', 'p1', 30 FROM GENERATE_SERIES(1, %s) AS n",
            [account_id, _WRITTEN],
        )
        best = min(best, (time.perf_counter() - began) * 1e6 / _WRITTEN)
        cursor.execute("ROLLBACK")
    return best


def _report(about: dict[str, str], entries: int, most: int, rows: list[Timed], indexes: list[Index]) -> str:
    slow = [row.what for row in rows if row.longest_ms > TARGET_MS]
    lines = [
        "# The ledger's pages, with many entries",
        "",
        f"By `python -m bench.pages`: PostgreSQL with {entries:,} entries of {entries // 2:,} journals, and as many "
        f"holds, in 100,200 wallets, of which one has {most:,}; 300,000 rows of usage per day, of 500 "
        f"keys and 20 models in 30 days. Each answer whole, made in one process, without the network; "
        f"{TRIES} times after a first.",
        "",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
        f"Target: {TARGET_MS} ms. " + (f"Missed by: {'; '.join(slow)}." if slow else "None took longer."),
        "",
        *table(rows),
        "",
        "What an index of the entries costs: its size, and what one more entry of a call takes with it and without it, "
        f"of {_WRITTEN:,} written in one statement.",
        "",
        "| index | MiB | with it (µs) | without it (µs) |",
        "|---|---:|---:|---:|",
        *(f"| `{index.name}` | {index.mib:.0f} | {index.with_us:.2f} | {index.without_us:.2f} |" for index in indexes),
        "",
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path, help="the report's file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
