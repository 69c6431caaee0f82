"""What is kept of calls with an Idempotency-Key: what each moment of a worker's death leaves, and for how long."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from credits.models import Account
from credits.services.sweep import sweep
from gateway.errors import AnswerLost, CallInProgress, KeyReused
from gateway.models import IdempotentCall, RequestRow
from gateway.once import stored
from gateway.once.claim import Claim
from gateway.once.stored import Answer, Wanted
from gateway.tasks import prune_stored_answers
from opscenter.core.ids import uuid7
from opscenter.core.reencryption import reencrypt
from tests.credits import ledger
from tests.gateway.people import person, wallet

pytestmark = pytest.mark.django_db(transaction=True)

_SAID = Answer({"x-ops-model": "m1"}, "application/json", "grüße".encode())


def _claim(request_id: UUID | None = None, *, body: bytes = b"{}", path: str = "/v1/x", key: str = "k") -> int | Answer:
    return stored.claim(Wanted(7, key, path, body, request_id or uuid7()))


@pytest.fixture
def bobs() -> Account:
    return wallet(person("bob", credits_nano=1000))


def _aged(seconds: float) -> None:
    IdempotentCall.objects.update(claimed_at=timezone.now() - timedelta(seconds=seconds))


def test_a_claim_without_a_hold_counts_for_the_time_of_a_lease(settings: Settings) -> None:
    _claim()

    with pytest.raises(CallInProgress):
        _claim()
    _aged(settings.LEASE_S + 1)

    assert isinstance(_claim(second := uuid7()), int)
    assert IdempotentCall.objects.get().request_id == second
    with pytest.raises(KeyReused):
        _claim(path="/v1/y")


def test_a_claim_is_late_well_before_another_may_have_it(settings: Settings) -> None:
    def claimed(seconds_ago: float) -> Claim:
        return Claim(1, uuid7(), began=time.monotonic() - seconds_ago)

    assert [claimed(part * settings.LEASE_S).is_late for part in (0, 0.4, 0.6, 2)] == [False, False, True, True]


def test_a_claim_that_is_asked_for_again_after_a_lost_connection_is_the_same() -> None:
    assert _claim(same := uuid7()) == _claim(same)


def test_of_two_that_would_take_over_the_same_key_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks at the row, finds it free, and takes its time."""
    _claim()
    _aged(10_000)
    both_looked, refuse = threading.Barrier(2), stored._refuse_unless_free

    def slowly(row: IdempotentCall, *, is_old: bool) -> None:
        refuse(row, is_old=is_old)
        with suppress(threading.BrokenBarrierError):
            both_looked.wait(0.3)

    def attempt(_: int) -> str:
        try:
            return "claimed" if _claim() else ""
        except CallInProgress:
            return "in progress"
        finally:
            connection.close()

    monkeypatch.setattr(stored, "_refuse_unless_free", slowly)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, range(2))) == ["claimed", "in progress"]


def test_a_call_lives_as_long_as_its_hold_and_is_free_again_where_that_was(bobs: Account, settings: Settings) -> None:
    hold_id = ledger.held(bobs, 500)
    _claim(hold_id)
    _aged(settings.LEASE_S + 1)

    with pytest.raises(CallInProgress):
        _claim()
    ledger.forget(hold_id)
    sweep()

    assert isinstance(_claim(), int)


def test_a_worker_that_died_in_mid_stream_was_paid_and_is_not_paid_again(bobs: Account) -> None:
    hold_id = ledger.held(bobs, 500)
    _claim(hold_id)
    ledger.deliver(hold_id, 30, 120)
    ledger.forget(hold_id)
    sweep()

    with pytest.raises(AnswerLost) as lost:
        _claim()

    assert lost.value.details == {"request_id": str(hold_id), "charged_credits": "0.00000012"}


def test_an_answer_that_was_kept_but_not_settled_is_given_for_what_the_sweep_charges(bobs: Account) -> None:
    hold_id = ledger.held(bobs, 500)
    id = _claim(hold_id)
    assert isinstance(id, int)
    stored.keep(id, hold_id, _SAID)

    before = _claim()
    ledger.forget(hold_id)
    assert len(sweep()) == 1

    assert before == _claim() == _SAID
    bobs.refresh_from_db()
    assert bobs.posted == 1000


def test_who_lost_the_claim_keeps_nothing(settings: Settings) -> None:
    id = _claim(first := uuid7())
    assert isinstance(id, int)
    _aged(settings.LEASE_S + 1)
    _claim(second := uuid7())

    stored.keep(id, first, _SAID)
    stored.release(id, first)

    assert (IdempotentCall.objects.get().request_id, IdempotentCall.objects.get().answer) == (second, "")


def test_an_answer_is_bound_to_its_row(bobs: Account) -> None:
    for key in ("k", "other"):
        id = _claim(request_id := uuid7(), key=key)
        assert isinstance(id, int)
        stored.keep(id, request_id, _SAID)
    IdempotentCall.objects.filter(key="k").update(answer=IdempotentCall.objects.get(key="other").answer)

    with pytest.raises(AnswerLost):
        _claim()
    assert _claim(key="other") == _SAID


def test_an_answer_goes_to_a_new_ring_with_everything_else(settings: Settings) -> None:
    id = _claim(request_id := uuid7())
    assert isinstance(id, int)
    stored.keep(id, request_id, _SAID)
    new = Fernet.generate_key().decode()
    settings.BYOK_ENCRYPTION_KEY = f"{new},{settings.BYOK_ENCRYPTION_KEY}"
    reencrypt()
    settings.BYOK_ENCRYPTION_KEY = new

    assert _claim() == _SAID


def test_answers_are_forgotten_in_time(settings: Settings) -> None:
    id = _claim(request_id := uuid7())
    assert isinstance(id, int)
    stored.keep(id, request_id, _SAID)
    _aged(settings.IDEMPOTENCY_KEPT_S - 60)
    assert prune_stored_answers() == 0
    assert _claim() == _SAID

    _aged(settings.IDEMPOTENCY_KEPT_S + 60)

    assert isinstance(_claim(body=b"another"), int)
    _aged(settings.IDEMPOTENCY_KEPT_S + 60)
    with CaptureQueriesContext(connection) as asked:
        assert prune_stored_answers() == 1
    assert [query["sql"].split()[0] for query in asked] == ["DELETE"]
    assert not RequestRow.objects.exists()
