"""Requests of old months go as whole months; their sums, their holds and all of the ledger stay."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from credits.models import Entry
from gateway.models import AttemptRow, PrunedMonth, RequestRow, UsageStat
from gateway.recorder import Record, save
from gateway.tasks import check_usage, make_partitions, prune_requests
from gateway.usage import pruning
from gateway.usage.check import Days, check
from gateway.usage.pruned import still_kept
from gateway.usage.repair import repair
from opscenter.checks import requests_are_kept_for_whole_months
from opscenter.core.models import User
from tests.admin.site import make_request
from tests.gateway.people import key_of, person, wallet
from tests.gateway.usage.calls import TODAY, attempt, call, called

pytestmark = pytest.mark.django_db(transaction=True)

THIS_MONTH = TODAY.replace(day=1)
LAST_MONTH = (THIS_MONTH - timedelta(days=1)).replace(day=1)
BEFORE = (LAST_MONTH - timedelta(days=1)).replace(day=1)
LONG_BEFORE = datetime(2020, 2, 29, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kept(settings: Settings) -> None:
    settings.REQUEST_MONTHS_KEPT = 1


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user", credits_nano=10**12)


def at_end_of_before() -> datetime:
    return datetime(LAST_MONTH.year, LAST_MONTH.month, 1, tzinfo=UTC) - timedelta(milliseconds=1)


def written(at: datetime, user: User | None = None) -> None:
    row = call(user, at=at, attempts=2)
    save([Record(row, [attempt(row, 1), attempt(row, 2)])])


def test_months_go_whole_and_what_is_to_be_kept_stays() -> None:
    written(LONG_BEFORE)
    written(at_end_of_before())
    written(datetime(LAST_MONTH.year, LAST_MONTH.month, 1, tzinfo=UTC))
    called(attempts=1)
    sums = list(UsageStat.objects.values())

    assert prune_requests() == ["2020-02", f"{BEFORE:%Y-%m}"]

    assert sorted(RequestRow.objects.values_list("created_at__month", flat=True)) == sorted(
        (LAST_MONTH.month, TODAY.month)
    )
    assert AttemptRow.objects.count() == 3
    assert list(UsageStat.objects.values()) == sums
    assert list(PrunedMonth.objects.values_list("month", "requests")) == [
        (BEFORE, 1),
        (datetime(2020, 2, 1, tzinfo=UTC).date(), 1),
    ]
    assert prune_requests() == []


def test_a_months_partitions_go_with_it() -> None:
    if connection.vendor != "postgresql":
        return
    partitions = [f"{table}_{BEFORE:%Y_%m}" for table in ("llm_requests", "llm_attempts")]
    with connection.cursor() as cursor:
        for name in partitions:
            cursor.execute(
                f"CREATE TABLE {name} PARTITION OF {name[:12]} FOR VALUES FROM (%s) TO (%s)", [BEFORE, LAST_MONTH]
            )
        written(at_end_of_before())

        assert prune_requests() == [f"{BEFORE:%Y-%m}"]

        cursor.execute("SELECT COUNT(*) FROM pg_class WHERE relname = ANY(%s)", [partitions])
        assert cursor.fetchone() == (0,)
    assert make_partitions() == []


def test_what_a_broken_run_has_left_goes_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        written(LONG_BEFORE)
    PrunedMonth.objects.create(month=LONG_BEFORE.date().replace(day=1), requests=3)
    monkeypatch.setattr(pruning, "_AT_ONCE", 2)

    assert prune_requests() == ["2020-02"]
    assert (RequestRow.objects.count(), AttemptRow.objects.count()) == (0, 0)


def test_a_month_whose_sums_are_wrong_is_kept_until_they_are_mended(caplog: pytest.LogCaptureFixture) -> None:
    written(LONG_BEFORE)
    UsageStat.objects.update(charged_nano=7)

    assert prune_requests() == []
    assert "2020-02 are kept" in caplog.text
    assert RequestRow.objects.count() == 1

    repair(Days(LONG_BEFORE.date(), LONG_BEFORE.date()))
    assert prune_requests() == ["2020-02"]


def test_nothing_of_money_is_lost_and_the_books_agree_afterwards(bob: User) -> None:
    row = make_request(wallet(bob), key_of(bob).row)
    written(LONG_BEFORE, bob)
    entries, sums = Entry.objects.count(), list(UsageStat.objects.values())
    RequestRow.objects.filter(pk=row.pk).delete()
    PrunedMonth.objects.create(month=THIS_MONTH, requests=1)

    assert check_usage() == 0
    repair(Days(TODAY, TODAY))
    out = StringIO()
    call_command("check_usage", "--now", "--repair", "--from", str(TODAY), "--to", str(TODAY), stdout=out)

    assert out.getvalue().splitlines()[1:] == ["0 problems"]
    assert "no longer kept" in out.getvalue()
    assert (Entry.objects.count(), list(UsageStat.objects.values())) == (entries, sums)
    assert RequestRow.objects.filter(pk=row.pk).count() == 0


def test_days_beside_a_pruned_month_are_still_compared() -> None:
    PrunedMonth.objects.create(month=LAST_MONTH, requests=0)
    called()
    UsageStat.objects.update(requests=5)

    assert [problem.name for problem in check(Days(BEFORE, TODAY))] == ["U1", "U4"]
    assert still_kept(BEFORE, TODAY) == [(BEFORE, LAST_MONTH - timedelta(days=1)), (THIS_MONTH, TODAY)]
    assert still_kept(LAST_MONTH + timedelta(days=3), LAST_MONTH + timedelta(days=5)) == []


@pytest.mark.once
def test_a_providers_invoice_of_a_pruned_month_is_not_compared_with_nothing(tmp_path: Path) -> None:
    PrunedMonth.objects.create(month=LONG_BEFORE.date().replace(day=1), requests=1)
    file = tmp_path / "usage.csv"
    file.write_text("date,model,input_tokens,output_tokens\n2020-02-29,x,1,1\n")

    with pytest.raises(CommandError, match="2020-02 are no longer kept"):
        call_command("reconcile_provider", str(file))


def test_without_a_bound_everything_is_kept(settings: Settings) -> None:
    settings.REQUEST_MONTHS_KEPT = 0
    written(LONG_BEFORE)

    assert prune_requests() == []
    assert RequestRow.objects.count() == 1


@pytest.mark.once
@pytest.mark.parametrize(("months", "wrong"), [(-1, ["opscenter.E013"]), (0, []), (13, [])])
def test_a_number_of_months_below_none_is_an_error(settings: Settings, months: int, wrong: list[str]) -> None:
    settings.REQUEST_MONTHS_KEPT = months

    assert [message.id for message in requests_are_kept_for_whole_months()] == wrong
