"""`python -m bench.usage`: how long every page of usage takes with ten million requests, on PostgreSQL.

Each answer is made whole, by Django's test client in this process: everything but the network.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from bench.timed import TARGET_MS, TRIES, Timed, installation, table, timed

MOST_QUERIES = 15
_EXPORTED_DAYS = 93


class Exported(NamedTuple):
    """`grown_mib`: what the process was larger at the end of it than after its first thousand lines."""

    lines: int
    took_s: float
    first_ms: float
    grown_mib: float


def main() -> None:
    options = _options()
    with installation("usage"):
        report = _measure(options.requests)
    if options.output:
        options.output.write_text(report)
    print(report)


def _measure(requests: int) -> str:
    from bench import machine, traffic  # noqa: PLC0415 - need the loaded apps

    about = machine.describe()
    began = time.monotonic()
    made = traffic.make(requests)
    print(f"{requests} requests and {made.sums} sums in {time.monotonic() - began:.0f} s", flush=True)
    rows = [timed(*page) for page in _pages(made)]
    return _report(about, requests, made.sums, rows, _export(made.hot.pk))


def _pages(made: Any) -> Iterator[tuple[str, Any, str]]:
    """(what, who asks, address)."""
    from django.test import Client  # noqa: PLC0415 - as above

    from opscenter.core.models import User  # noqa: PLC0415 - as above

    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    for name, address in {**_requests_in_admin(made), **_sums_in_admin()}.items():
        yield f"admin: {name}", root, f"/admin/{address}"
    for user, whose in ((made.hot, "busiest user"), (made.quiet, "another user")):
        client = _consumer(user)
        for name, query in _of_consumer(user, made).items():
            yield f"API, {whose}: {name}", client, f"/api/v1/llm/usage{query}"
    for name, query in _of_operator(made).items():
        yield f"API, operator: {name}", root, f"/api/v1/llm/{query}"


def _requests_in_admin(made: Any) -> dict[str, str]:
    from gateway.models import AttemptRow, VirtualKey  # noqa: PLC0415 - as above

    key = VirtualKey.objects.filter(user=made.hot).latest("id")
    attempt = AttemptRow.objects.filter(request_id=made.request).latest("n")
    return {
        "requests, first page": "gateway/requestrow/",
        "requests, page 100": "gateway/requestrow/?p=100",
        "requests, of today": "gateway/requestrow/?since=today",
        "requests, of the last 30 days": "gateway/requestrow/?since=month",
        "requests, failed ones": "gateway/requestrow/?outcome=failed",
        "requests, failed ones of 30 days": "gateway/requestrow/?outcome=failed&since=month",
        "requests, disconnected ones of 7 days (none)": "gateway/requestrow/?outcome=disconnected&since=week",
        "requests, of the busiest user": f"gateway/requestrow/?q={made.hot.username}",
        "requests, of another user": f"gateway/requestrow/?q={made.quiet.username}",
        "requests, of a key": f"gateway/requestrow/?q={key.masked}",
        "requests, by id": f"gateway/requestrow/?q={made.request}",
        "request page": f"gateway/requestrow/{made.request}/change/",
        "request page, with hold and journals": f"gateway/requestrow/{made.billed}/change/",
        "attempts, first page": "gateway/attemptrow/",
        "attempts, page 100": "gateway/attemptrow/?p=100",
        "attempts, of the last 30 days": "gateway/attemptrow/?since=month",
        "attempts, of a request": f"gateway/attemptrow/?q={made.request}",
        "attempt page": f"gateway/attemptrow/{attempt.pk}/change/",
        "virtual keys, first page": "gateway/virtualkey/",
        "virtual key page": f"gateway/virtualkey/{key.pk}/change/",
    }


def _sums_in_admin() -> dict[str, str]:
    from gateway.models import UsageStat  # noqa: PLC0415 - as above

    return {
        "usage per day, first page": "gateway/usagestat/",
        "usage per day, page 100": "gateway/usagestat/?p=100",
        "usage per day, of today": "gateway/usagestat/?since=today",
        "usage per day, of the last 30 days": "gateway/usagestat/?since=month",
        "usage page of a day": f"gateway/usagestat/{UsageStat.objects.latest('id').pk}/change/",
        "margin": "gateway/usagestat/margin/",
        "margin of 92 days by day, model and tier": f"gateway/usagestat/margin/?group_by=day,model,tier&{_days()}",
    }


def _of_consumer(user: Any, made: Any) -> dict[str, str]:
    from gateway.models import VirtualKey  # noqa: PLC0415 - as above

    key = VirtualKey.objects.filter(user=user).latest("id").pk
    found = {
        "usage by day": "",
        "usage by model": "?group_by=model",
        "usage by day, key and model, 500 at a time": "?group_by=day,key,model&page_size=500",
        "usage of 92 days by component": f"?group_by=component&{_days()}",
        "usage of a key by day": f"?key={key}",
        "requests, first page": "/requests",
        "requests, 200 from the middle": f"/requests?page_size=200&cursor={made.request}",
        "requests, of a key": f"/requests?key={key}",
        "requests, of a day": f"/requests?{_moments()}",
        "requests, failed ones": "/requests?status=failed",
        "requests, of a rare model": "/requests?model=rare",
        "requests, of a model that was never asked": "/requests?model=none",
    }
    if user == made.hot:
        found["receipt"] = f"/requests/{made.request}"
        found["receipt, with hold and journals"] = f"/requests/{made.billed}"
    return found


def _of_operator(made: Any) -> dict[str, str]:
    return {
        "everybody's usage by day": "usage?user=*",
        "everybody's usage by model": "usage?user=*&group_by=model",
        "everybody's usage by user": "usage?user=*&group_by=user",
        "everybody's usage by key, 500 at a time": "usage?user=*&group_by=key&page_size=500",
        "everybody's usage by day and user, 500 at a time": "usage?user=*&group_by=day,user&page_size=500",
        "everybody's usage by day, model, provider, component": "usage?user=*&group_by=day,model,provider,component",
        "everybody's usage of 92 days by day": f"usage?user=*&{_days()}",
        "everybody's usage of 92 days by user": f"usage?user=*&group_by=user&{_days()}",
        "everybody's usage of a model by day": "usage?user=*&model=m1",
        "a user's usage by day": f"usage?user={made.hot.username}",
        "everybody's requests, first page": "usage/requests?user=*",
        "everybody's requests, 200 from the middle": f"usage/requests?user=*&page_size=200&cursor={made.request}",
        "everybody's requests, failed ones": "usage/requests?user=*&status=failed",
        "everybody's requests, of a model that was never asked": "usage/requests?user=*&model=none",
        "a user's requests": f"usage/requests?user={made.quiet.username}",
        "margin by day": "credits/margin",
        "margin of 92 days by day, model and tier": f"credits/margin?group_by=day,model,tier&{_days()}",
    }


def _consumer(user: Any) -> Any:
    from django.contrib.auth.models import Group  # noqa: PLC0415 - as above
    from django.test import Client  # noqa: PLC0415 - as above

    user.groups.add(Group.objects.get(name="LLM user"))
    client = Client()
    client.force_login(user)
    return client


def _days() -> str:
    return f"from={datetime.now(UTC) - timedelta(days=92):%Y-%m-%d}"


def _moments() -> str:
    day = datetime.now(UTC) - timedelta(days=40)
    return f"from={day:%Y-%m-%d}T00:00:00Z&to={day:%Y-%m-%d}T23:59:59Z"


def _export(user_id: int) -> Exported:
    """The file of all that one user has asked for."""
    from gateway.usage import export, listed  # noqa: PLC0415 - as above

    wanted = listed.Wanted(user_id=user_id, since=datetime.now(UTC) - timedelta(days=_EXPORTED_DAYS))
    began = time.perf_counter()
    parts = export.of_requests(wanted)
    head = next(parts) + next(parts)
    first_ms, lines = (time.perf_counter() - began) * 1000, head.count("\n") - 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines += sum(part.count("\n") for part in parts)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Exported(lines, time.perf_counter() - began, first_ms, grown_mib)


def _report(about: dict[str, str], requests: int, sums: int, rows: list[Timed], exported: Exported) -> str:
    slow = [row.what for row in rows if row.longest_ms > TARGET_MS]
    many = [row.what for row in rows if row.queries > MOST_QUERIES]
    lines = [
        "# The pages of usage, with many requests",
        "",
        f"By `make bench-usage`: PostgreSQL with {requests:,} requests and as many attempts of 92 days, in a partition "
        f"for each month, and {sums:,} rows of usage per day; of 1,000 users with two keys each, one of whom made a "
        f"tenth. Each answer whole, made in one process, without the network; {TRIES} times after a first.",
        "",
        *(f"- {name}: {value}" for name, value in about.items()),
        "",
        f"Target: {TARGET_MS} ms, {MOST_QUERIES} statements. "
        + (f"Longer once at least: {'; '.join(slow)}. " if slow else "None took longer. ")
        + (f"More statements: {'; '.join(many)}." if many else "None needed more."),
        "",
        *table(rows),
        "",
        f"The busiest user's requests as CSV: {exported.lines:,} lines in {exported.took_s:.0f} s "
        f"({exported.lines / exported.took_s:,.0f} per second); the first thousand after {exported.first_ms:.0f} ms. "
        f"By its end the process had become {exported.grown_mib:.1f} MiB larger than it was then.",
        "",
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.usage", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path, help="the report's file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
