"""What the management API takes for JSON."""

import pytest

from opscenter.core.json_body import MOST_BYTES, MOST_LEVELS, is_too_deep
from tests.access.people import ADMINS_TOKEN, EVERYBODY

pytestmark = pytest.mark.once


@pytest.mark.django_db
@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 3_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_body_that_is_nested_too_deeply_is_a_400_that_says_so(opening: bytes, closing: bytes, levels: int) -> None:
    client = EVERYBODY[ADMINS_TOKEN]().client
    body = opening * levels + b"1" + closing * levels

    answer = client.post("/api/v1/llm-config/servers", body, content_type="application/json")

    assert answer.status_code == 400, answer.content
    assert f"more than {MOST_LEVELS} levels" in answer.json()["error"]["message"]


@pytest.mark.django_db
def test_a_body_that_no_configuration_needs_is_a_413() -> None:
    client = EVERYBODY[ADMINS_TOKEN]().client

    answer = client.post("/api/v1/llm-config/servers", b"[" * (MOST_BYTES + 1), content_type="application/json")

    assert answer.status_code == 413, answer.content
    assert str(MOST_BYTES) in answer.json()["error"]["message"]


def test_as_many_levels_as_may_be_are_read() -> None:
    body: list[object] = []
    for _ in range(MOST_LEVELS - 1):
        body = [body]

    assert not is_too_deep(body)
    assert is_too_deep([body])
    assert not is_too_deep("text")


@pytest.mark.django_db
def test_a_complaint_may_repeat_half_of_an_emoji() -> None:
    client = EVERYBODY[ADMINS_TOKEN]().client

    answer = client.post("/api/v1/llm-config/active", rb'{"purpose": "\ud800"}', content_type="application/json")

    assert answer.status_code == 422
    assert "\ud800" in answer.json()["error"]["details"]["fields"]["purpose"][0]


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["0421-09-07T14:08:41%2B17:40", "0001-01-01T00:00:00%2B23:00"])
def test_a_moment_with_an_offset_that_is_nowhere_is_no_failure(moment: str) -> None:
    client = EVERYBODY[ADMINS_TOKEN]().client

    assert client.get(f"/api/v1/llm-config/audit?since={moment}").status_code in (200, 422)
