"""What a window of a minute and a number of slots let through, in Redis as in memory."""

from gateway.limits.claims import WINDOW_S
from tests.gateway.limits.counters import LEASE_S, Counters, InRedis, rpm, slot_back, slots, tokens_back, tpm

MINUTE_MS = WINDOW_S * 1000


async def admitted(counters: Counters, calls: int, limit: int) -> int:
    return [(await counters.take(rpm(limit))).refused < 0 for _ in range(calls)].count(True)


async def test_as_many_are_admitted_as_the_limit_says(counters: Counters) -> None:
    assert await admitted(counters, 25, limit=10) == 10


async def test_a_minute_is_any_sixty_seconds_of_the_clock(counters: Counters) -> None:
    """No new allowance begins with a new minute: what was used half a minute ago still counts."""
    assert await admitted(counters, 6, limit=10) == 6
    counters.clock.advance(30_000)
    assert await admitted(counters, 25, limit=10) == 4
    counters.clock.advance(29_000)
    assert await admitted(counters, 25, limit=10) == 0
    counters.clock.advance(1_000)
    assert await admitted(counters, 25, limit=10) == 6
    counters.clock.advance(30_000)
    assert await admitted(counters, 25, limit=10) == 4


async def test_one_call_each_second_is_sixty_a_minute(counters: Counters) -> None:
    for _ in range(3 * WINDOW_S):
        assert (await counters.take(rpm(60))).refused < 0
        counters.clock.advance(1_000)


async def test_a_call_is_admitted_when_the_wait_is_over_and_no_earlier(counters: Counters) -> None:
    for _ in range(3):
        await counters.take(rpm(3))
        counters.clock.advance(7_300)
    refused = await counters.take(rpm(3))
    assert refused.refused == 0
    counters.clock.advance(refused.wait_ms - 1)
    assert (await counters.take(rpm(3))).refused == 0
    counters.clock.advance(1)
    assert (await counters.take(rpm(3))).refused < 0
    assert (await counters.take(rpm(3))).refused == 0


async def test_the_wait_is_for_as_many_tokens_as_are_needed(counters: Counters) -> None:
    for tokens in (100, 200, 300):
        await counters.take(tpm(600, tokens))
        counters.clock.advance(10_000)
    few, many = await counters.take(tpm(600, 100)), await counters.take(tpm(600, 101))
    assert (few.wait_ms, many.wait_ms) == (29_500, 39_500)


async def test_what_a_second_limit_refuses_uses_up_nothing_of_the_first(counters: Counters) -> None:
    await counters.take(rpm(1, "user:1:rpm"))
    claims = (rpm(2), tpm(1000, 10), slots(1), rpm(1, "user:1:rpm"))
    for _ in range(5):
        assert (await counters.take(*claims)).refused == 3
    free = await counters.take(rpm(2), tpm(1000, 10), slots(1))
    assert [state.left for state in free.states] == [1, 990, 0]


async def test_the_refusal_names_the_limit_that_takes_longest(counters: Counters) -> None:
    await counters.take(rpm(1, "key:1:rpm"))
    counters.clock.advance(20_000)
    await counters.take(rpm(1, "user:1:rpm"))
    refused = await counters.take(rpm(1, "key:1:rpm"), rpm(1, "user:1:rpm"), slots(5))
    assert (refused.refused, refused.wait_ms) == (1, 59_500)


async def test_states_say_what_is_left_and_when_all_of_it_is_free(counters: Counters) -> None:
    first = await counters.take(rpm(5), tpm(1000, 300))
    assert [(state.left, state.reset_ms) for state in first.states] == [(4, 59_500), (700, 59_500)]
    counters.clock.advance(10_000)
    second = await counters.take(rpm(5))
    assert (second.states[0].left, second.states[0].reset_ms) == (3, 59_500)
    refused = await counters.take(rpm(2), tpm(1000, 300))
    assert [(state.left, state.reset_ms) for state in refused.states] == [(0, 59_500), (700, 49_500)]


async def test_tokens_are_granted_from_least_to_most_and_the_same_of_every_limit(counters: Counters) -> None:
    roomy, tight = tpm(10_000, 100, 4000), tpm(1000, 100, 4000, "user:1:tpm")
    both = await counters.take(roomy, tight)
    assert (both.granted, [state.left for state in both.states]) == (1000, [9000, 0])
    assert (await counters.take(roomy, tight)).refused == 1
    assert (await counters.take(roomy)).granted == 4000


async def test_a_call_larger_than_its_limit_gets_the_whole_of_an_empty_window(counters: Counters) -> None:
    large = tpm(1000, 5000)
    assert (await counters.take(large)).granted == 1000
    refused = await counters.take(large)
    assert (refused.refused, refused.wait_ms) == (0, 59_500)


async def test_tokens_that_were_not_used_are_free_at_once(counters: Counters) -> None:
    taken = await counters.take(tpm(1000, 800))
    await counters.give("call0", tokens_back(taken, 700))
    assert (await counters.take(tpm(1000, 900))).granted == 900
    assert (await counters.take(tpm(1000, 1))).refused == 0


async def test_tokens_come_back_only_while_their_second_counts(counters: Counters) -> None:
    old = await counters.take(tpm(1000, 800))
    counters.clock.advance(MINUTE_MS)
    await counters.take(tpm(1000, 600))
    await counters.give("call0", tokens_back(old, 700))
    assert (await counters.take(tpm(1000, 1))).states[0].left == 399


async def test_no_more_comes_back_than_was_taken(counters: Counters) -> None:
    taken = await counters.take(tpm(1000, 800))
    await counters.give("call0", tokens_back(taken, 5000))
    assert (await counters.take(tpm(1000, 1))).states[0].left == 999


async def test_tokens_beyond_what_was_granted_count_when_they_are_known(counters: Counters) -> None:
    taken = await counters.take(tpm(1000, 200))
    counters.clock.advance(50_000)
    await counters.give("call0", tokens_back(taken, -900))
    counters.clock.advance(20_000)
    refused = await counters.take(tpm(1000, 200))
    assert (refused.refused, refused.states[0].left, refused.wait_ms) == (0, 100, 39_500)


async def test_slots_are_as_many_as_the_limit_says_and_come_back(counters: Counters) -> None:
    for holder in ("a", "b"):
        assert (await counters.take(slots(2), holder=holder)).refused < 0
    refused = await counters.take(slots(2))
    assert (refused.refused, refused.wait_ms) == (0, 1000)
    await counters.give("a", slot_back())
    await counters.give("a", slot_back())
    assert (await counters.take(slots(2), holder="c")).refused < 0
    assert (await counters.take(slots(2), holder="d")).refused == 0


async def test_a_clock_that_is_set_back_opens_nothing(counters: Counters) -> None:
    assert await admitted(counters, 5, limit=5) == 5
    counters.clock.advance(-30_000)
    assert await admitted(counters, 5, limit=5) == 0
    counters.clock.advance(30_000 + MINUTE_MS)
    assert await admitted(counters, 6, limit=5) == 5


async def test_a_limit_that_was_lowered_holds_at_once(counters: Counters) -> None:
    assert await admitted(counters, 8, limit=10) == 8
    refused = await counters.take(rpm(5))
    assert (refused.refused, refused.states[0].left) == (0, 0)


async def test_the_slot_of_a_dead_process_runs_out(in_redis: InRedis) -> None:
    await in_redis.take(slots(1), holder="dead")
    in_redis.clock.advance(int(LEASE_S * 1000) - 1)
    assert (await in_redis.take(slots(1), holder="next")).refused == 0
    in_redis.clock.advance(1)
    assert (await in_redis.take(slots(1), holder="next")).refused < 0


async def test_a_slot_that_is_renewed_lasts(in_redis: InRedis) -> None:
    await in_redis.take(slots(1), holder="long")
    for _ in range(5):
        in_redis.clock.advance(int(LEASE_S * 900))
        await in_redis.renew({"key:1:concurrency": ["long"]})
    assert (await in_redis.take(slots(1), holder="next")).refused == 0
    await in_redis.give("long", slot_back())
    assert (await in_redis.take(slots(1), holder="next")).refused < 0
