"""The budgets of a key and of an account limit what calls use up per period, however many come at once."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from credits import checker
from credits.models import Budget
from credits.periods import window
from credits.services import wallets
from gateway.budgets import ACCOUNT, KEY, PeriodBudget
from gateway.models import VirtualKey
from gateway.services.keys import IssuedKey
from opscenter.core import changes
from opscenter.core.models import AuditEntry, User
from tests.gateway.in_process import InProcess
from tests.gateway.people import caller_by, key_of, person
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

CREDIT = 10**9
NOVEMBER = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
DECEMBER = NOVEMBER + timedelta(seconds=1)


class Clock:
    """Shows what the test sets it to."""

    def __init__(self) -> None:
        self.now = NOVEMBER

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serving(transactional_db: None, clock: Clock) -> Iterator[InProcess]:
    with InProcess(clock=clock) as gateway:
        yield gateway


@pytest.fixture
def issue(alice: Api, serving: InProcess, upstream: Upstream) -> Callable[..., IssuedKey]:
    """Bob's keys; he has 1,000,000 credits. A token of m1 costs 2 credits, of `gratis` nothing; m600 says 600."""

    def make() -> User:
        server, price = alice.server(base_url=upstream.origin), {"input_price": "2000", "output_price": "2000"}
        alice.model(on_server(server, "test-model"), **price)
        alice.model(on_server(server, "fault:usage:10:600"), name="m600", **price)
        alice.model(on_server(server, "test-model"), name="gratis")
        return person("bob", "LLM user", credits_nano=10**6 * CREDIT)

    bob = replayed(__name__, make)
    serving.sees_changes()

    def issue(budget: str = "", **options: str) -> IssuedKey:
        return key_of(bob, budget_credits=Decimal(budget) if budget else None, **options)

    return issue


def settled(key: IssuedKey) -> Budget:
    return Budget.objects.get(scope="key", scope_id=key.row.pk)


@pytest.mark.parametrize(
    ("period", "moment", "expected"),
    [
        ("day", NOVEMBER, "2026-11-30"),
        ("week", NOVEMBER, "2026-W49"),
        ("month", NOVEMBER, "2026-11"),
        ("month", DECEMBER, "2026-12"),
        ("week", datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        ("week", datetime(2027, 1, 4, tzinfo=UTC), "2027-W01"),
        ("day", datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11-30"),
    ],
)
def test_windows_are_calendar_periods_in_utc(period: str, moment: datetime, expected: str) -> None:
    assert window(period, moment) == expected


@pytest.mark.django_db
def test_a_key_keeps_its_budget_exactly_and_audited() -> None:
    key = key_of(person("bob"), budget_credits=Decimal("1234567.000000001"), budget_period="week")

    row = VirtualKey.objects.get(budget_credits=Decimal("1234567.000000001"))
    assert row.budget_credits == Decimal("1234567.000000001")
    assert caller_by(key).budgets == (PeriodBudget(KEY, row.pk, 1_234_567_000_000_001, "week"),)
    entry = AuditEntry.objects.get(entity_type="llm_virtual_keys", action="create")
    assert entry.changes["after"]["budget_credits"] == "1234567.000000001"


@pytest.mark.django_db
@pytest.mark.parametrize("budget", ["-1", "0.0000000001", "1e30", "many"])
def test_what_is_no_budget_is_refused(budget: str) -> None:
    row = key_of(person("bob")).row
    row.budget_credits = budget  # type: ignore[assignment]  # as a form or a script may give it

    with pytest.raises(ValidationError, match="budget_credits"):
        changes.save(row)


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"budget_credits": -1}, {"budget_period": "year"}], ids=str)
def test_the_database_refuses_it_too(values: dict[str, object]) -> None:
    key_of(person("bob"))

    with pytest.raises(IntegrityError), transaction.atomic():
        VirtualKey.objects.update(**values)


@pytest.mark.django_db(transaction=True)
def test_a_call_past_the_budget_is_a_402_that_says_what_is_left(
    serving: InProcess, issue: Callable[..., IssuedKey], upstream: Upstream
) -> None:
    key = issue("2000")

    answer = serving.chat(key.plaintext, model="m1", max_tokens=4000)

    assert answer.status_code == 402
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_credits")
    details = error["details"]
    assert (details["limit_source"], details["window"]) == ("key_budget", "2026-11")
    assert details["available_credits"] == "2000"
    assert 0 < details["affordable_max_tokens"] < 1000
    assert str(details["affordable_max_tokens"]) in details["remedy_hint"]
    assert not upstream.calls
    assert serving.chat(key.plaintext, model="m1", max_tokens=details["affordable_max_tokens"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_charged_to_the_budget_of_its_key_alone(
    serving: InProcess, issue: Callable[..., IssuedKey]
) -> None:
    key, other = issue("2000"), issue("2000")

    answer = serving.chat(key.plaintext, model="m1")

    budget = settled(key)
    assert answer.status_code == 200
    assert (budget.cap, budget.held) == (2000 * CREDIT, 0)
    assert budget.spent == Decimal(answer.headers["x-ops-cost-credits"]) * CREDIT > 0
    assert not Budget.objects.filter(scope_id=other.row.pk).exists()
    assert checker.check() == []


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_never_pass_the_budget(serving: InProcess, issue: Callable[..., IssuedKey]) -> None:
    """Each holds and costs more than half of it."""
    key = issue("2000")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: serving.chat(key.plaintext, model="m600", max_tokens=600), range(8)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 402: 7}
    budget = settled(key)
    assert (budget.spent, budget.held) == (1220 * CREDIT, 0)
    assert checker.check() == []


@pytest.mark.django_db(transaction=True)
def test_what_costs_nothing_goes_on_when_the_budget_is_used_up(
    serving: InProcess, issue: Callable[..., IssuedKey]
) -> None:
    key = issue("0")

    assert serving.chat(key.plaintext, model="gratis").status_code == 200
    assert serving.chat(key.plaintext, model="m1").status_code == 402


@pytest.mark.django_db(transaction=True)
def test_the_next_window_starts_anew(serving: InProcess, issue: Callable[..., IssuedKey], clock: Clock) -> None:
    key = issue("2000")
    assert serving.chat(key.plaintext, model="m600", max_tokens=600).status_code == 200
    assert serving.chat(key.plaintext, model="m600", max_tokens=600).status_code == 402

    clock.now = DECEMBER

    assert serving.chat(key.plaintext, model="m600", max_tokens=600).status_code == 200
    used = Budget.objects.order_by("window").values_list("window", "spent")
    assert list(used) == [("2026-11", 1220 * CREDIT), ("2026-12", 1220 * CREDIT)]


def limit(key: IssuedKey, budget: str, period: str = "month") -> None:
    """What the account that pays for `key` may use up."""
    wallets.set_budget(account=key.row.account, budget_credits=Decimal(budget), budget_period=period)


def at_once(serving: InProcess, keys: list[IssuedKey]) -> Counter[int]:
    """Each call, of another key, holds and costs more than half of 2000 credits."""

    def call(key: IssuedKey) -> int:
        return serving.chat(key.plaintext, model="m600", max_tokens=600).status_code

    with ThreadPoolExecutor(len(keys)) as pool:
        return Counter(pool.map(call, keys))


@pytest.mark.django_db
def test_an_accounts_budget_is_kept_audited_and_known_by_all_of_its_keys() -> None:
    bob = person("bob")
    first, second = key_of(bob), key_of(bob, budget_credits=Decimal(7))

    limit(first, "12.000000001", "day")

    of_account = PeriodBudget(ACCOUNT, first.row.account_id, 12_000_000_001, "day")
    assert caller_by(first).budgets == (of_account,)
    assert caller_by(second).budgets == (PeriodBudget(KEY, second.row.pk, 7 * CREDIT, "month"), of_account)
    entry = AuditEntry.objects.get(action="set_budget")
    assert entry.changes == {
        "before": {"budget_credits": None, "budget_period": "month"},
        "after": {"budget_credits": "12.000000001", "budget_period": "day"},
    }


@pytest.mark.django_db
def test_an_account_has_no_budget_below_nothing() -> None:
    with pytest.raises(ValidationError, match="budget_credits"):
        limit(key_of(person("bob")), "-1")


@pytest.mark.django_db(transaction=True)
def test_a_call_past_the_accounts_budget_says_that_it_is_that(
    serving: InProcess, issue: Callable[..., IssuedKey]
) -> None:
    key = issue("3000")
    limit(key, "2000")
    serving.sees_changes()

    error = serving.chat(key.plaintext, model="m1", max_tokens=4000).json()["error"]

    assert (error["details"]["limit_source"], error["details"]["window"]) == ("user_budget", "2026-11")
    assert "2000 are left in this account's budget for 2026-11" in error["message"]


@pytest.mark.django_db(transaction=True)
def test_without_a_budget_of_the_account_calls_of_many_keys_all_pass(
    serving: InProcess, issue: Callable[..., IssuedKey]
) -> None:
    assert at_once(serving, [issue() for _ in range(4)]) == {200: 4}


@pytest.mark.django_db(transaction=True)
def test_calls_of_many_keys_at_once_never_pass_their_accounts_budget(
    serving: InProcess, issue: Callable[..., IssuedKey]
) -> None:
    keys = [issue() for _ in range(8)]
    limit(keys[0], "2000")
    serving.sees_changes()

    assert at_once(serving, keys) == {200: 1, 402: 7}

    budget = Budget.objects.get(scope="account")
    assert (budget.scope_id, budget.spent, budget.held) == (keys[0].row.account_id, 1220 * CREDIT, 0)
    assert checker.check() == []
