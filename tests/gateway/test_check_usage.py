"""`manage.py check_usage`: what calls came to, compared with the ledger, whatever became of them."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from credits.ledger import book
from credits.ledger.moves import Beat, Capture, Closed, Held, Reserve, Sweep, Void
from credits.models import Hold
from gateway.models import MarginStat, RequestRow, UsageStat
from gateway.recorder import Record, write
from gateway.records import time_of
from gateway.rows import RequestValues
from gateway.tasks import check_usage, record_lost_calls, sweep_holds
from opscenter.core.ids import uuid7
from opscenter.core.models import User
from tests.gateway.people import key_of, person, wallet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob() -> User:
    return person("bob", "LLM user", credits_nano=10_000)


def problems(*options: str) -> list[str]:
    """What the command says, but for its last line, which counts them; nothing runs."""
    out = StringIO()
    try:
        call_command("check_usage", "--now", *options, stdout=out)
        failed = False
    except SystemExit as end:
        failed = bool(end.code)
    *lines, last = out.getvalue().splitlines()
    assert failed == (last != "0 problems")
    return lines


def held(user: User, amount: int = 500) -> Held:
    (outcome,) = book.apply([Reserve(uuid7(), wallet(user).pk, key_of(user).row.pk, amount, amount)])
    assert isinstance(outcome, Held)
    return outcome


def close(hold: Held, cost: int | None, *, expense: int = 0) -> int:
    account_id = Hold.objects.get(pk=hold.hold_id).account_id
    where = (hold.hold_id, account_id, hold.lease_epoch)
    move: Any = Void(*where, "void", expense) if cost is None else Capture(*where, cost, "provider")
    (closed,) = book.apply([move])
    assert isinstance(closed, Closed)
    return closed.captured


def own_row(hold: Held, user: User, charged: int, **fields: Any) -> RequestValues:
    """The row that the call's own worker writes."""
    return RequestValues(
        id=hold.hold_id,
        created_at=time_of(hold.hold_id),
        account_id=wallet(user).pk,
        user_id=user.pk,
        endpoint="chat/completions",
        model="m1",
        provider="local",
        status="succeeded",
        billing_basis="provider",
        held_nano=500,
        charged_nano=charged,
        **fields,
    )


def dead(hold: Held, *, delivered: int = 30, cost: int = 120) -> None:
    book.beat([Beat(hold.hold_id, delivered, cost, timezone.now())])
    Hold.objects.filter(pk=hold.hold_id).update(heartbeat_at=timezone.now() - timedelta(minutes=5))


def totals() -> tuple[int, int, int, int]:
    stats = list(UsageStat.objects.all())
    names = ("requests", "charged_nano", "overrun_nano", "expense_nano")
    requests, charged, overrun, expense = (sum(getattr(stat, name) for stat in stats) for name in names)
    return requests, charged, overrun, expense


def test_every_ending_is_in_the_sums_as_it_is_in_the_ledger(bob: User) -> None:
    answered, beyond, failed = held(bob), held(bob), held(bob)
    rows = [
        own_row(answered, bob, close(answered, 200)),
        own_row(beyond, bob, close(beyond, 640), overrun_nano=140),
        own_row(failed, bob, close(failed, None, expense=33) and 0, expense_nano=33),
    ]
    write([Record(row, []) for row in rows])

    assert problems() == []
    assert totals() == (3, 700, 140, 33)


@pytest.mark.parametrize(
    ("true_cost", "charged", "overrun"), [(70, 70, 0), (120, 120, 0), (300, 120, 180), (None, 0, 0)]
)
def test_a_settle_that_comes_after_the_sweep_counts_once_and_as_corrected(
    bob: User, true_cost: int | None, charged: int, overrun: int
) -> None:
    call = held(bob)
    dead(call)
    assert sweep_holds() == 1
    assert totals() == (1, 120, 0, 0)

    paid = close(call, true_cost, expense=0)
    write([Record(own_row(call, bob, charged, overrun_nano=overrun), [])])

    assert paid == charged
    assert problems() == []
    assert totals() == (1, charged, overrun, 0)


@pytest.mark.parametrize(
    ("true_cost", "charged", "overrun", "expense"), [(70, 70, 0, 0), (300, 120, 180, 0), (None, 0, 0, 44)]
)
def test_a_corrected_call_whose_worker_died_without_a_row_is_recorded_as_the_ledger_says(
    bob: User, true_cost: int | None, charged: int, overrun: int, expense: int
) -> None:
    call = held(bob)
    dead(call)
    book.apply([Sweep(call.hold_id, wallet(bob).pk, 60)])
    close(call, true_cost, expense=expense)
    Hold.objects.update(closed_at=timezone.now() - timedelta(minutes=5))

    assert record_lost_calls() == 1

    assert problems() == []
    assert totals() == (1, charged, overrun, expense)


def test_a_hold_that_is_no_calls_is_not_taken_for_a_lost_call(bob: User) -> None:
    (refund,) = book.apply([Reserve(uuid7(), wallet(bob).pk, None, 500, 500)])
    assert isinstance(refund, Held)
    Hold.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))

    sweep_holds()
    record_lost_calls()

    assert RequestRow.objects.count() == 0
    assert problems() == []


def _tamper_with_sums(id: UUID) -> None:
    UsageStat.objects.update(charged_nano=201)


def _tamper_with_request(id: UUID) -> None:
    RequestRow.objects.filter(pk=id).update(charged_nano=201)


def _lose_request(id: UUID) -> None:
    RequestRow.objects.filter(pk=id).delete()


def _lose_sums(id: UUID) -> None:
    UsageStat.objects.all().delete()


def _tamper_with_margins(id: UUID) -> None:
    MarginStat.objects.update(charged_nano=199)


def _lose_margins(id: UUID) -> None:
    MarginStat.objects.all().delete()


@pytest.mark.parametrize(
    ("tamper", "names"),
    [
        (_tamper_with_sums, ["U1", "U4"]),
        (_lose_sums, ["U1", "U4"]),
        (_tamper_with_margins, ["U4"]),
        (_lose_margins, ["U4"]),
        (_tamper_with_request, ["U1", "U2"]),
        (_lose_request, ["U1", "U3"]),
    ],
)
def test_what_disagrees_is_told_and_repaired(bob: User, tamper: Any, names: list[str]) -> None:
    call = held(bob)
    write([Record(own_row(call, bob, close(call, 200)), [])])
    tamper(call.hold_id)

    assert [line[:2] for line in problems()] == names

    *found, summed_up = problems("--repair")
    assert [line[:2] for line in found] == names
    assert summed_up.endswith("was summed up afresh.")
    assert problems() == []
    assert totals() == (1, 200, 0, 0)
    assert MarginStat.objects.get().charged_nano == 200


def test_what_disagrees_is_named(bob: User) -> None:
    call = held(bob)
    write([Record(own_row(call, bob, close(call, 200)), [])])
    RequestRow.objects.update(charged_nano=203, overrun_nano=1)

    sums, request = problems()

    assert "model m1" in sums and "charged_nano by -3" in sums
    assert request == f"U2 request {call.hold_id}: charged 203, by the ledger 200, overrun 1, by the ledger 0"


def test_the_nightly_check_logs_each_problem(bob: User, caplog: pytest.LogCaptureFixture) -> None:
    call = held(bob)
    write([Record(own_row(call, bob, close(call, 200)), [])])
    assert check_usage() == 0
    MarginStat.objects.update(requests=5)

    assert check_usage() == 1
    assert "the margin's sums exceed the usage's, requests by 4" in caplog.text


def test_days_that_were_not_asked_for_are_left_alone(bob: User) -> None:
    call = held(bob)
    write([Record(own_row(call, bob, close(call, 200)), [])])
    MarginStat.objects.update(requests=5)
    long_ago = (datetime.now(UTC) - timedelta(days=9)).date().isoformat()

    assert problems("--from", long_ago, "--to", long_ago) == []
    assert len(problems("--from", long_ago)) == 1


def test_days_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(CommandError, match="is after"):
        call_command("check_usage", "--from", "2026-11-02", "--to", "2026-11-01")


def test_what_the_ledger_said_a_moment_ago_is_left_to_the_recorders(bob: User) -> None:
    close(held(bob), 200)

    call_command("check_usage")

    assert [line[:2] for line in problems()] == ["U3"]
