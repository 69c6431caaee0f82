"""What a run says of its own reach."""

import httpx
import pytest

from tests.fuzz.answers import Answers

REFUSED = {"error": {"code": "model_not_found", "type": "not_found"}}


@pytest.fixture
def answers() -> Answers:
    answers = Answers()
    answers.note("POST /v1/messages", httpx.Response(404, json=REFUSED))
    answers.note("POST /v1/rerank", httpx.Response(404, json=REFUSED))
    answers.note("POST /v1/rerank", httpx.Response(200))
    answers.note("GET /api/v1/llm/keys/{id}", httpx.Response(200))
    answers.note("PATCH /api/v1/llm/keys/{id}", httpx.Response(503, text="[1]"))
    return answers


def test_what_was_never_answered_with_success_is_named(answers: Answers) -> None:
    asked = ["POST /v1/messages", "POST /v1/rerank", "POST /v1/quote"]
    assert answers.unserved(asked) == ["POST /v1/messages", "POST /v1/quote"]


def test_operations_have_rows_alone_or_with_others_of_their_address(answers: Answers) -> None:
    assert list(answers.rows(alone=["POST /v1/messages"])) == [
        "| POST /v1/messages | 0 | 1 | 0 | 0 % | 404 model_not_found (1) |",
        "| /api/v1/llm/keys | 1 | 0 | 1 | 50 % | 503 (1) |",
        "| /v1/rerank | 1 | 1 | 0 | 50 % | 404 model_not_found (1) |",
    ]
