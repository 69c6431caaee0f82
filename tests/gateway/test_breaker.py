"""The circuit breaker: when a target is left alone, and when it is tried again."""

import pytest
from pytest_django.fixtures import Settings

from gateway.breaker import Breaker

A, B = "d:1", "d:2"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(settings: Settings) -> Clock:
    settings.BREAKER_FAILURES, settings.BREAKER_OPEN_S = 3, 30
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock.monotonic)


def _fail(breaker: Breaker, times: int, key: str = A) -> None:
    for _ in range(times):
        breaker.failed(key)


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    _fail(breaker, 2)
    assert breaker.admits(A)

    _fail(breaker, 1)

    assert not breaker.admits(A)
    assert breaker.admits(B)
    assert breaker.states() == {A: "open"}


def test_a_success_between_failures_starts_the_count_anew(breaker: Breaker) -> None:
    _fail(breaker, 2)
    breaker.succeeded(A)
    _fail(breaker, 2)

    assert breaker.admits(A)


def test_half_open_it_lets_one_probe_through(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 29.9
    assert not breaker.admits(A)

    clock.now += 0.1

    assert breaker.states() == {A: "half-open"}
    assert [breaker.admits(A) for _ in range(5)] == [True, False, False, False, False]


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 30
    assert breaker.admits(A)

    breaker.answered(A)
    breaker.succeeded(A)

    assert all(breaker.admits(A) for _ in range(5))
    assert breaker.states() == {}


def test_a_probe_that_fails_opens_it_for_another_while(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 30
    assert breaker.admits(A)

    breaker.failed(A)

    assert not breaker.admits(A)
    clock.now += 30
    assert breaker.admits(A)


def test_a_probe_that_was_given_up_frees_its_place(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 30
    assert breaker.admits(A)

    breaker.gave_up(A)

    assert [breaker.admits(A), breaker.admits(A)] == [True, False]


def test_a_target_that_begins_and_never_ends_opens_it_too(breaker: Breaker) -> None:
    for _ in range(3):
        assert breaker.admits(A)
        breaker.answered(A)
        breaker.failed(A)

    assert not breaker.admits(A)


def test_a_probe_that_begins_to_answer_lets_others_in(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 30
    assert breaker.admits(A)

    breaker.answered(A)

    assert breaker.admits(A)
    breaker.failed(A)
    assert not breaker.admits(A)


def test_callers_are_told_when_the_first_target_is_probed(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 20
    _fail(breaker, 3, B)

    assert breaker.retry_after_s([A, B]) == 10
    assert breaker.retry_after_s([B]) == 30
    clock.now += 60
    assert breaker.retry_after_s([A, B]) == 1


def test_what_never_failed_is_always_admitted(breaker: Breaker) -> None:
    breaker.gave_up(A)
    breaker.answered(A)
    breaker.succeeded(A)

    assert breaker.admits(A)
    assert breaker.retry_after_s([A]) == 1


def test_what_health_checks_find_down_is_left_alone_at_once(breaker: Breaker, clock: Clock) -> None:
    breaker.heed(frozenset({A}))

    assert not breaker.admits(A)
    assert breaker.admits(B)
    clock.now += 30
    assert [breaker.admits(A), breaker.admits(A)] == [True, False]


def test_what_they_find_back_is_probed_by_the_next_call(breaker: Breaker) -> None:
    _fail(breaker, 3)
    breaker.heed(frozenset({A}))
    breaker.heed(frozenset())

    assert breaker.states() == {A: "half-open"}
    assert [breaker.admits(A), breaker.admits(A)] == [True, False]
    breaker.succeeded(A)
    assert breaker.admits(A)


def test_they_are_heeded_once_and_not_before_every_call(breaker: Breaker) -> None:
    breaker.heed(frozenset({A, B}))
    breaker.succeeded(A)

    breaker.heed(frozenset({A, B}))

    assert breaker.admits(A)
    assert not breaker.admits(B)


@pytest.fixture
def other(clock: Clock) -> Breaker:
    """That of another process."""
    return Breaker(clock.monotonic)


def test_what_opens_in_one_process_opens_in_the_others(breaker: Breaker, other: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 10
    other.hear({"one": breaker.tell()})

    assert not other.admits(A)
    assert other.retry_after_s([A]) == 20
    clock.now += 20
    assert [other.admits(A), other.admits(A)] == [True, False]


def test_an_opening_that_was_heard_of_is_not_passed_on_and_counts_once(breaker: Breaker, other: Breaker) -> None:
    _fail(breaker, 3)
    other.hear({"one": breaker.tell()})
    assert other.tell() == {}

    other.succeeded(A)
    other.hear({"one": breaker.tell()})

    assert other.admits(A)


def test_a_probe_that_fails_elsewhere_is_news(breaker: Breaker, other: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    other.hear({"one": breaker.tell()})
    clock.now += 30
    assert breaker.admits(A)
    breaker.failed(A)
    other.hear({"one": breaker.tell()})

    assert not other.admits(A)


def test_what_closes_elsewhere_is_probed_by_the_next_call_here(breaker: Breaker, other: Breaker) -> None:
    _fail(breaker, 3)
    other.hear({"one": breaker.tell()})
    breaker.succeeded(A)
    other.hear({"one": breaker.tell()})

    assert other.states() == {A: "half-open"}
    assert [other.admits(A), other.admits(A)] == [True, False]


def test_what_a_process_has_found_itself_is_not_lifted_by_others(breaker: Breaker, other: Breaker) -> None:
    _fail(breaker, 3)
    _fail(other, 3)
    other.hear({"one": breaker.tell()})
    breaker.succeeded(A)
    other.hear({"one": breaker.tell()})

    assert not other.admits(A)


def test_a_process_that_is_gone_leaves_nothing_open(breaker: Breaker, other: Breaker) -> None:
    _fail(breaker, 3)
    other.hear({"one": breaker.tell()})
    other.hear({})

    assert other.states() == {A: "half-open"}


def test_of_very_many_those_are_forgotten_that_could_be_tried_again(
    breaker: Breaker, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.breaker._MOST_KEPT", 2)
    _fail(breaker, 1)
    clock.now += 31
    _fail(breaker, 3, B)

    _fail(breaker, 1, "d:3")

    assert breaker.states() == {B: "open", "d:3": "closed"}
