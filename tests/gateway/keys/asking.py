"""Asking for keys over their API."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.llmconfig.api import Answer, Api

KEYS = "/api/v1/llm/keys"


def make(api: Api, **fields: Any) -> Any:
    answer = api.post(KEYS, {"name": "mine", **fields})
    assert answer.status == 201, answer.text
    return answer.body


def at(key: Any, what: str = "") -> str:
    return f"{KEYS}/{key['id']}{what}"


def in_days(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


def refused_fields(answer: Answer) -> set[str]:
    assert answer.status == 422, answer.text
    return set(answer.body["error"]["details"]["fields"])
