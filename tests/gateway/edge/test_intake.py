"""What the bodies of requests may take of a process, and what one may be as JSON."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from gateway.errors import InvalidRequest, TooMuchInHand
from gateway.intake import Body, BodyCut, Intake
from gateway.request_json import MOST_MARKS, json_object
from opscenter.checks import bodies_fit_into_their_budget
from opscenter.core.json_body import MOST_LEVELS


def _body(intake: Intake, length: int | None) -> Body:
    return intake.body([(b"content-length", b"%d" % length)] if length else [(b"transfer-encoding", b"chunked")])


def _sending(*parts: bytes, cut: bool = False) -> Any:
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": cut or number < len(parts)}
        for number, part in enumerate(parts, 1)
    ]
    messages.append({"type": "http.disconnect"})

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(0)
        return messages.pop(0)

    return receive


@pytest.fixture(autouse=True)
def _small_budget(settings: Settings) -> None:
    settings.MAX_BODY_BYTES, settings.BODY_BUDGET_BYTES = 100, 150


async def test_bodies_past_the_budget_are_put_off_before_they_are_read() -> None:
    intake = Intake()
    with _body(intake, 100) as first, _body(intake, 51) as second:
        await first.read(_sending(b"x" * 100))

        with pytest.raises(TooMuchInHand) as refusal:
            await second.read(_sending())

    assert refusal.value.status == 503
    assert refusal.value.headers["Retry-After"] == "1"


async def test_a_body_of_unknown_length_is_put_off_while_it_comes() -> None:
    intake = Intake()
    with _body(intake, 100) as first, _body(intake, None) as second:
        await first.read(_sending(b"x" * 100))

        with pytest.raises(TooMuchInHand):
            await second.read(_sending(b"x" * 30, b"x" * 30))


@pytest.mark.parametrize("ends", ["read", "cut", "refused"])
async def test_the_budget_is_given_back_however_the_request_ends(ends: str) -> None:
    intake = Intake()
    with _body(intake, 80) as body:
        if ends == "read":
            assert await body.read(_sending(b"x" * 40, b"x" * 40)) == b"x" * 80
            assert intake.held == 80
        elif ends == "cut":
            with pytest.raises(BodyCut):
                await body.read(_sending(b"x" * 40, cut=True))
        else:
            with _body(intake, 80) as other, pytest.raises(TooMuchInHand):
                await body.read(_sending(b"x" * 80))
                await other.read(_sending(b"x" * 80))
    assert intake.held == 0


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 900, 100_000])
def test_deep_json_is_a_400_that_says_so(opening: bytes, closing: bytes, levels: int) -> None:
    raw = b'{"a":' + opening * levels + (b"1" if opening != b"[" else b"") + closing * levels + b"}"

    with pytest.raises(InvalidRequest, match=f"more than {MOST_LEVELS} levels"):
        json_object(raw)


def test_as_deep_as_allowed_is_read() -> None:
    levels = MOST_LEVELS - 1

    assert "a" in json_object(b'{"a":' + b"[" * levels + b"]" * levels + b', "b": [[],[],[],[]]}')


def test_many_shallow_parts_are_not_deep() -> None:
    assert len(json_object(b'{"a":[' + b'{"b":[1]},' * 10_000 + b"{}]}")["a"]) == 10_001


@pytest.mark.parametrize("part", [b"[],", b"1,", b'{"a":1},'])
def test_json_of_too_many_parts_is_refused_before_it_is_parsed(part: bytes) -> None:
    with pytest.raises(InvalidRequest, match="commas"):
        json_object(b'{"a":[' + part * MOST_MARKS + b"1]}")


def test_a_long_text_is_not_many_parts() -> None:
    text = b"Well, this is prose. " * 200_000

    assert json_object(b'{"a":"' + text + b'"}')["a"] == text.decode()


def test_half_an_emoji_is_let_through() -> None:
    assert json_object(b'{"a":"\\ud83d"}') == {"a": "\ud83d"}


def test_a_budget_that_the_largest_body_does_not_fit_into_is_an_error(settings: Settings) -> None:
    settings.BODY_BUDGET_BYTES = 99
    assert [found.id for found in bodies_fit_into_their_budget()] == ["opscenter.E011"]

    settings.BODY_BUDGET_BYTES = 100
    assert bodies_fit_into_their_budget() == []
