"""What is remembered of calls, for how long, and how processes put it together."""

import pytest

from gateway.routing.measured import BEST_DOUBLES_S, HALF_LIFE_S, UNSEEN, Measured

pytestmark = pytest.mark.once


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def measured(clock: Clock) -> Measured:
    return Measured(clock)


def test_nothing_is_known_of_whom_nobody_called(measured: Measured) -> None:
    assert measured.seen("a") == UNSEEN
    assert UNSEEN.duration_s(10) is None
    assert (UNSEEN.slowdown, UNSEEN.is_strained) == (1.0, False)


def test_time_to_the_first_byte_and_time_a_token_follow_from_answers_of_any_length(measured: Measured) -> None:
    for tokens in (10, 200, 50, 900):
        measured.answered("a", tokens=tokens, seconds=0.5 + 0.01 * tokens)

    seen = measured.seen("a")
    assert seen.first_byte_s == pytest.approx(0.5)
    assert seen.per_token_s == pytest.approx(0.01)
    assert seen.duration_s(100) == pytest.approx(1.5)


def test_a_stream_says_both_by_itself(measured: Measured) -> None:
    measured.first_byte("a", 0.3)
    measured.answered("a", tokens=100, seconds=2.3)

    assert measured.seen("a").duration_s(50) == pytest.approx(1.3)
    assert measured.seen("a").usual_s == pytest.approx(2.3)


def test_answers_of_one_length_say_how_long_an_answer_takes(measured: Measured) -> None:
    for _ in range(5):
        measured.answered("a", tokens=7, seconds=2.0)

    assert measured.seen("a").duration_s(7) == pytest.approx(2.0)


@pytest.mark.parametrize("points", [[(100, 1.0), (200, 0.2)], [(100, 0.1), (200, 9.0)]])
def test_no_part_of_it_is_ever_negative(measured: Measured, points: list[tuple[int, float]]) -> None:
    for tokens, seconds in points:
        measured.answered("a", tokens=tokens, seconds=seconds)

    seen = measured.seen("a")
    assert seen.first_byte_s is not None and seen.first_byte_s >= 0
    assert seen.per_token_s is not None and seen.per_token_s >= 0


def test_the_new_outweighs_the_old_and_what_is_not_renewed_is_forgotten(measured: Measured, clock: Clock) -> None:
    for _ in range(8):
        measured.answered("a", tokens=0, seconds=9.0)
    clock.now += 4 * HALF_LIFE_S
    measured.answered("a", tokens=0, seconds=1.0)

    # 8 halved four times is half an answer of 9 s beside one of 1 s.
    assert measured.seen("a").first_byte_s == pytest.approx((0.5 * 9 + 1) / 1.5)
    clock.now += 2 * HALF_LIFE_S
    assert measured.seen("a").first_byte_s is None
    clock.now += 20 * HALF_LIFE_S
    assert measured.tell() == {}


def test_failures_are_a_share_that_passes(measured: Measured, clock: Clock) -> None:
    measured.answered("a", tokens=1, seconds=1.0)
    for _ in range(8):
        measured.failed("a")

    assert measured.seen("a").success == pytest.approx(0.2)
    assert measured.seen("a").is_strained
    clock.now += 6 * HALF_LIFE_S
    assert measured.seen("a").success > 0.8


def test_calls_in_flight_are_counted_and_their_waiting_is_measured(measured: Measured, clock: Clock) -> None:
    measured.answered("a", tokens=1, seconds=1.0)
    for _ in range(10):
        measured.began("a", clock.now)
    clock.now += 4

    seen = measured.seen("a")
    assert seen.in_flight == 10
    assert seen.waiting_s == pytest.approx(4.0)
    assert seen.slowdown == pytest.approx(4.0, rel=0.1)
    for _ in range(10):
        measured.let_go("a", clock.now - 4)
    assert (measured.seen("a").in_flight, measured.seen("a").waiting_s) == (0, 0.0)


def _answer(measured: Measured, clock: Clock, *, in_flight: int, seconds: float, times: int = 40) -> None:
    """So many calls that begin and end together, again and again."""
    for _ in range(times // in_flight):
        for _ in range(in_flight):
            measured.began("a", clock.now)
        clock.now += seconds
        for _ in range(in_flight):
            measured.answered("a", tokens=100, seconds=seconds)
            measured.let_go("a", clock.now - seconds)


def test_many_calls_that_take_far_longer_than_few_did_are_too_many(measured: Measured, clock: Clock) -> None:
    _answer(measured, clock, in_flight=4, seconds=1.0)
    _answer(measured, clock, in_flight=40, seconds=12.0, times=400)
    for _ in range(8):
        measured.began("a", clock.now)
    assert measured.seen("a").is_strained

    measured.let_go("a", clock.now)
    assert not measured.seen("a").is_strained, "seven say more of themselves than of the target"


def test_calls_that_were_always_long_are_not_too_many(measured: Measured, clock: Clock) -> None:
    _answer(measured, clock, in_flight=40, seconds=12.0, times=400)
    for _ in range(40):
        measured.began("a", clock.now)

    assert not measured.seen("a").is_strained


@pytest.mark.parametrize("passed_s", [4 * BEST_DOUBLES_S, 365 * 86_400])
def test_what_was_fast_long_ago_is_asked_of_nobody_for_ever(measured: Measured, clock: Clock, passed_s: float) -> None:
    _answer(measured, clock, in_flight=4, seconds=1.0)
    clock.now += passed_s
    _answer(measured, clock, in_flight=40, seconds=12.0, times=400)
    for _ in range(40):
        measured.began("a", clock.now)

    assert not measured.seen("a").is_strained


def test_processes_see_the_calls_of_all(clock: Clock) -> None:
    one, two, three = Measured(clock), Measured(clock), Measured(clock)
    for process, seconds in ((one, 1.0), (two, 3.0)):
        process.began("a", clock.now)
        process.answered("a", tokens=0, seconds=seconds)
        process.failed("b")
    three.hear([one.tell(), two.tell()])
    one.hear([two.tell()])

    assert three.seen("a").first_byte_s == one.seen("a").first_byte_s == pytest.approx(2.0)
    assert three.seen("a").in_flight == one.seen("a").in_flight == 2
    assert three.seen("b").success == pytest.approx(1 / 3)


def test_what_others_said_before_is_not_counted_twice_nor_passed_on(clock: Clock) -> None:
    one, two = Measured(clock), Measured(clock)
    one.began("a", clock.now)
    two.hear([one.tell()])
    two.hear([one.tell()])

    assert two.seen("a").in_flight == 1
    assert two.tell() == {}
    two.hear([])
    assert two.seen("a") == UNSEEN
