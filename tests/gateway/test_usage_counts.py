"""Token counts: disjoint, or not trusted at all."""

import pytest

from gateway.usage_counts import Usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 7, "completion_tokens": 3}, Usage(7, 0, 0, 3)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0, 0, 0)),
        (
            {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}},
            Usage(2, 5, 0, 3),
        ),
        ({"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": None}, Usage(7, 0, 0, 3)),
        ({"prompt_tokens": 7, "completion_tokens": 3, "prompt_cache_hit_tokens": 4}, Usage(3, 4, 0, 3)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_creation_tokens": 30},
                "cache_read_input_tokens": 60,
                "cache_creation_input_tokens": 30,
            },
            Usage(10, 60, 30, 3),
        ),
    ],
)
def test_counts_are_disjoint(usage: object, expected: Usage) -> None:
    assert Usage.from_openai(usage) == expected


@pytest.mark.parametrize(
    ("total", "thoughts", "output"),
    [
        (10 + 300, 300, 303),  # as xAI has it: on top of what was said
        (10, 2, 3),  # as everybody else: part of it
        (10, 300, 3),
        (10 + 299, 300, 3),
        (None, 300, 3),
        (10 + 300, "300", 3),
        (10, 0, 3),
    ],
)
def test_thoughts_beside_the_output_are_output_where_the_total_says_so(
    total: object, thoughts: object, output: int
) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": total}
    details = {"completion_tokens_details": {"reasoning_tokens": thoughts}}

    assert Usage.from_openai(usage | details) == Usage(7, 0, 0, output)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "12",
        {},
        {"prompt_tokens": 7},
        {"completion_tokens": 7},
        {"prompt_tokens": "7", "completion_tokens": 3},
        {"prompt_tokens": 7.5, "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": 3},
        {"prompt_tokens": -7, "completion_tokens": 3},
        {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}},
        {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": -1}},
        {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": [1]},
    ],
)
def test_what_is_missing_or_wrong_in_any_part_is_no_usage(usage: object) -> None:
    assert Usage.from_openai(usage) is None
