"""Passwords that are tried at the same time, which no failure has been counted of yet."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Event, Lock
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.utils import timezone

from opscenter.core.db import own_connection
from opscenter.core.models import PasswordCheck, User
from opscenter.core.signin import backend
from tests.eventually import eventually
from tests.signin.browser import PASSWORD, Browser

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 5
AT_ONCE = 12


class HeldHasher(MD5PasswordHasher):
    """Looks at passwords when it is told to, and counts them."""

    go = Event()
    lock = Lock()
    looked_at = at_once = most_at_once = 0

    def verify(self, password: str, encoded: str) -> bool:
        self.count(+1)
        assert self.go.wait(60)
        self.count(-1)
        return bool(super().verify(password, encoded))

    @classmethod
    def count(cls, change: int) -> None:
        with cls.lock:
            cls.looked_at += change > 0
            cls.at_once += change
            cls.most_at_once = max(cls.most_at_once, cls.at_once)


@pytest.fixture
def held(settings: Any, root: User) -> Iterator[type[HeldHasher]]:
    settings.PASSWORD_HASHERS = [f"{__name__}.HeldHasher"]
    HeldHasher.go.clear()
    HeldHasher.looked_at = HeldHasher.at_once = HeldHasher.most_at_once = 0
    yield HeldHasher
    HeldHasher.go.set()


def by_page(name: str, password: str) -> int:
    return int(Browser().sign_in(name, password).status_code)


def by_api(name: str, password: str) -> int:
    return int(Browser().token(name, password).status_code)


def apart(call: Callable[[], int]) -> int:
    own_connection()
    try:
        return call()
    finally:
        connection.close()


def statuses(held: type[HeldHasher], calls: Sequence[Callable[[], int]]) -> list[int]:
    """Of calls none of which is done with a password before all others have come as far as they come."""
    with ThreadPoolExecutor(len(calls)) as pool:
        started: list[Future[int]] = [pool.submit(apart, call) for call in calls]
        try:
            eventually(lambda: PasswordCheck.objects.count() + sum(one.done() for one in started) == len(calls), 60)
        finally:
            held.go.set()
        return [one.result() for one in started]


@pytest.mark.parametrize("attempt", [by_page, by_api])
def test_no_more_are_looked_at_than_may_fail_one_after_the_other(
    attempt: Callable[[str, str], int], held: type[HeldHasher]
) -> None:
    told = statuses(held, [partial(attempt, "root", f"wrong-{n}") for n in range(AT_ONCE)])
    assert held.looked_at == LIMIT
    assert told.count(429) >= AT_ONCE - LIMIT
    assert AccessAttempt.objects.get().failures_since_start == LIMIT
    assert attempt("root", PASSWORD) == 429


def test_nor_of_many_names_from_one_address(held: type[HeldHasher], settings: Any) -> None:
    settings.AXES_ADDRESS_FAILURE_LIMIT = 3
    for n in range(AT_ONCE):
        User.objects.create_user(f"name{n}", password=PASSWORD)
    statuses(held, [partial(by_page, f"name{n}", "guess") for n in range(AT_ONCE)])
    assert held.looked_at == 3


def test_right_ones_are_no_failures(held: type[HeldHasher]) -> None:
    assert statuses(held, [partial(by_api, "root", PASSWORD)] * LIMIT) == [200] * LIMIT
    assert not AccessAttempt.objects.exists()
    assert not PasswordCheck.objects.exists()


def test_one_is_looked_at_at_a_time(held: type[HeldHasher]) -> None:
    statuses(held, [partial(by_api, "root", PASSWORD)] * 3)
    assert (held.looked_at, held.most_at_once) == (3, 1)


def test_who_waits_too_long_may_come_again(held: type[HeldHasher], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_LONGEST_WAIT_S", 0.01)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(apart, partial(by_api, "root", PASSWORD))
        eventually(lambda: held.looked_at == 1, 60)
        refused = Browser().token("root")
        held.go.set()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert first.result() == 200
    assert not PasswordCheck.objects.exists()


def test_who_comes_while_too_much_is_being_looked_at_may_come_again_at_once(held: type[HeldHasher]) -> None:
    with ThreadPoolExecutor(LIMIT) as pool:
        for _ in range(LIMIT):
            pool.submit(apart, partial(by_api, "root", PASSWORD))
        eventually(lambda: PasswordCheck.objects.count() == LIMIT, 60)
        refused = Browser().token("root")
        held.go.set()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert Browser().token("root").status_code == 200


def test_what_a_crash_left_behind_is_forgotten(root: User) -> None:
    began = timezone.now() - timedelta(minutes=2)
    for _ in range(LIMIT):
        PasswordCheck.objects.create(username="root", address="192.0.2.1", began_at=began)
    assert Browser().sign_in("root").status_code == 302
    assert not PasswordCheck.objects.exists()
