"""Settings that can't work are errors before anything starts."""

from typing import Any

import pytest
from django.core.checks import run_checks


def _found(settings: Any, **values: object) -> list[str]:
    for name, value in values.items():
        setattr(settings, name, value)
    return [f"{message.id} {message.msg}" for message in run_checks() if str(message.id).startswith("llm.")]


def test_the_defaults_are_fine(settings: Any) -> None:
    assert _found(settings) == []


def test_an_unknown_transport_is_an_error(settings: Any) -> None:
    assert _found(settings, DEFAULT_TRANSPORT="pigeon") == ["llm.E001 DEFAULT_TRANSPORT is 'pigeon'."]


@pytest.mark.parametrize(
    ("bases", "complaint"),
    [
        (["https://a.example"], "no JSON object"),
        ({"acme": "https://a.example"}, "acme: no provider"),
        ({"openai": "a.example"}, "openai: a base URL starts with"),
        ({"openai": "http://169.254.169.254"}, "openai: connections to 169.254.169.254"),
    ],
)
def test_unusable_origins_of_providers_are_errors(settings: Any, bases: object, complaint: str) -> None:
    (found,) = _found(settings, PROVIDER_API_BASES=bases)

    assert found.startswith("llm.E002")
    assert complaint in found


def test_another_origin_for_a_provider_is_fine(settings: Any) -> None:
    assert _found(settings, PROVIDER_API_BASES={"openai": "http://127.0.0.1:9/v1"}) == []
