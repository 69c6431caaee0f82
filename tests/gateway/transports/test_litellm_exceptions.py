"""Every exception that LiteLLM defines has a place in our tree, and none brings its text along."""

import inspect
from typing import Any

import httpx
import pytest

from gateway.transports import errors
from gateway.transports.litellm import load
from gateway.transports.litellm.exceptions import MEANINGS, meaning

SECRET = "http://10.1.2.3:8000 sk-secret-0123456789"


def litellm_exceptions() -> list[type[Exception]]:
    module = load().exceptions
    classes = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
    return [kind for kind in classes if issubclass(kind, Exception) and kind.__module__ == module.__name__]


def made(kind: type[Exception]) -> Exception:
    """An instance with SECRET for its text, whatever its constructor wants."""
    error = kind.__new__(kind)
    error.args = (SECRET,)
    setattr(error, "message", SECRET)  # noqa: B010
    return error


def test_every_exception_of_litellm_is_named() -> None:
    unnamed = {kind.__name__ for kind in litellm_exceptions()} - set(MEANINGS)
    assert unnamed == set()


def test_every_exception_of_litellm_becomes_what_its_name_says() -> None:
    assert len(litellm_exceptions()) > 25
    for kind in litellm_exceptions():
        error = meaning(made(kind))
        assert type(error) is MEANINGS[kind.__name__]
        assert "10.1.2.3" not in str(error)
        assert "sk-secret" not in str(error)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AuthenticationError", errors.UpstreamRefusedKey),
        ("RateLimitError", errors.UpstreamRateLimited),
        ("ContextWindowExceededError", errors.UpstreamBadRequest),
        ("NotFoundError", errors.UpstreamModelMissing),
        ("Timeout", errors.UpstreamTimeout),
        ("InternalServerError", errors.UpstreamServerError),
        ("APIConnectionError", errors.UpstreamUnreachable),
    ],
)
def test_the_usual_ones_mean_what_they_say(name: str, expected: type[errors.UpstreamError]) -> None:
    assert type(meaning(made(getattr(load().exceptions, name)))) is expected


def test_an_exception_nobody_knows_is_a_broken_answer() -> None:
    assert type(meaning(KeyError("choices"))) is errors.UpstreamBroken
    assert type(meaning(httpx.ReadError(SECRET))) is errors.UpstreamCut


def test_only_the_callers_fault_is_not_failed_over() -> None:
    kinds: list[Any] = errors.UpstreamError.__subclasses__()
    assert [kind for kind in kinds if not kind.fails_over] == [errors.UpstreamBadRequest]
