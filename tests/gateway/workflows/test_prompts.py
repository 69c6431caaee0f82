"""Prompts of workflows: what a template may say, what it looks up, how much it may come to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.workflows.language import Missing, TooLong
from gateway.workflows.prompts import MOST_CHARACTERS, PromptInvalid, Unfit, prompt_of
from gateway.workflows.values import StandIn, plain

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def rendered(source: str, input: Any, **steps: Any) -> str:
    return prompt_of(source).render(plain(input), {name: plain(said) for name, said in steps.items()})


@pytest.mark.parametrize(
    ("source", "input", "said"),
    [
        ("Say {{ input }}.", "<b> & 'c'", "Say <b> & 'c'."),
        ("{{ input.topic }} in {{ input.tone|default:'calm' }}", {"topic": "Fog"}, "Fog in calm"),
        ("{{ input }}", {"a": [1, None, "é"]}, '{"a": [1, "", "é"]}'),
        ("{{ input.items }}", {"items": "its own"}, "its own"),
        ("{{ input.docs.1.title }}", {"docs": [{}, {"title": "Two"}]}, "Two"),
        ("{% for d in input %}{{ forloop.counter }}.{{ d }} {% endfor %}", ["a", "b"], "1.a 2.b"),
        ("{% for k, v in input.items %}{{ k }}={{ v }};{% endfor %}", {"a": 1}, "a=1;"),
        ("{% if input.formal %}Sir{% else %}Hi{% endif %}", {}, "Hi"),
        ("{% with who=input.name %}{{ who|upper }}{% endwith %}", {"name": "bob"}, "BOB"),
        ("{% firstof input.a input.b 'neither' %}", {}, "neither"),
        ("{% verbatim %}{{ input }}{% endverbatim %}", "x", "{{ input }}"),
        ("{{ input|slice:':2' }}", [1, 2, 3], "[1, 2]"),
        ("  {{ input }}\n", 7, "7"),
    ],
)
def test_a_prompt_says_what_its_template_makes_of_the_input(source: str, input: Any, said: str) -> None:
    assert rendered(source, input) == said


@pytest.mark.parametrize(
    ("source", "input"), [("{{ input.0 }}", "text"), ("{{ input.title }}", [1]), ("{{ input.1 }}", [1])]
)
def test_places_are_those_of_lists_alone(source: str, input: Any) -> None:
    with pytest.raises(Missing):
        rendered(source, input)


def test_a_prompt_has_what_earlier_steps_said() -> None:
    assert rendered("{{ steps.a }}: {{ steps.b.title }}", "", a="One", b={"title": "Two"}) == "One: Two"


@pytest.mark.parametrize("source", ["{{ input.topic }}", "{{ input.title }}", "{{ input.topic|upper }}"])
def test_a_field_that_is_not_there_is_named(source: str) -> None:
    """A text has methods of such names, which are out of reach."""
    with pytest.raises(Missing) as raised:
        rendered(source, "only a text")

    assert raised.value.name == source.strip("{} ").removesuffix("|upper")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{% include 'x' %}", "Line 1: `{% include %}` can't be used here. There are: comment, firstof,"),
        ("a\n\n{% load static %}", "Line 3: `{% load %}`"),
        ("{% extends 'x' %}", "`{% extends %}`"),
        ("{% url 'x' %}", "`{% url %}`"),
        ("{% csrf_token %}", "`{% csrf_token %}`"),
        ("{% debug %}", "`{% debug %}`"),
        ("{{ input|ljust:1000000000 }}", "There is no filter `ljust` here. There are: capfirst,"),
        ("{{ input|safe }}", "no filter `safe`"),
        ("{{ input.__class__ }}", "may not begin with underscores"),
        ("{% if input %}x", "Unclosed tag on line 1: 'if'"),
        ("{{ }}", "Empty variable tag"),
        ("{% for d in %}{% endfor %}", "Line 1"),
        ("{% if input %}" * 2000 + "{% endif %}" * 2000, "nested too deeply"),
    ],
)
def test_what_is_no_prompt_is_told_with_its_line(source: str, says: str) -> None:
    with pytest.raises(PromptInvalid) as raised:
        prompt_of(source)

    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ steps.later }}", "`steps.later` is no step before this one. There are: `steps.a`."),
        ("{% if steps.later == 'x' %}{% endif %}", "`steps.later` is no step"),
        ("{{ input|default:steps.later }}", "`steps.later` is no step"),
        ("{% for x in steps %}{% endfor %}", "`steps` is no step"),
        ("{{ imput.topic }}", "`imput.topic` is unknown: a prompt has `input`, and `steps.NAME`"),
    ],
)
def test_a_variable_that_can_not_be_there_is_complained_of(source: str, says: str) -> None:
    assert says in " ".join(prompt_of(source).complaints(earlier=["a"]))


def test_nothing_is_complained_of_where_all_is_there() -> None:
    source = (
        "{% for k, v in input.items %}{{ forloop.counter }}{{ k }}{{ v.x }}{% endfor %}"
        "{% with a=steps.a %}{{ a }}{% endwith %}{% firstof input 'x' as f %}{{ f }}{% if input is None %}{% endif %}"
    )

    assert prompt_of(source).complaints(earlier=["a"]) == []


@pytest.mark.parametrize(
    ("source", "input"),
    [
        ("{% for a in input %}{% for b in input %}{% endfor %}{% endfor %}", list(range(200))),
        ("{% for a in input %}{{ input }}{% endfor %}", ["x" * 1000] * 40),
        ("{% for a in input %}{% endfor %}", "x" * MOST_CHARACTERS),
        ("{{ input }}!", "x" * MOST_CHARACTERS),
        ("{% for a in input.a %}{{ input.b|truncatewords:3 }}{% endfor %}", {"a": [1] * 200, "b": "word " * 10_000}),
        ("{% for a in input.a %}{% if a in input.b %}{% endif %}{% endfor %}", {"a": [1] * 200, "b": ["x"] * 50_000}),
    ],
)
def test_a_prompt_ends_where_it_grows_too_long_or_looks_at_too_much(source: str, input: Any) -> None:
    with pytest.raises(TooLong):
        rendered(source, input)


def test_what_can_not_be_done_with_the_input_is_told_as_such() -> None:
    with pytest.raises(Unfit):
        rendered("{% for a in input %}{% endfor %}", 5)


@pytest.mark.parametrize(
    ("source", "length"),
    [
        ("{{ steps.a }}", 10),
        ("{{ steps.a.title }}{{ steps.a.points.0 }}", 20),
        ("{% for p in steps.a.points %}{{ p.x }}{% endfor %}", 10),
        ("{% for p in steps.a reversed %}{{ p }}{% endfor %}", 10),
        ("{% for k, v in steps.a.items %}{{ v }}{% endfor %}", 10),
        ("{{ steps.a|first }}", 10),
        ("{{ steps.a|truncatechars:4 }}", 4),
    ],
)
def test_a_stand_in_is_as_long_as_what_it_stands_for_wherever_it_is_said(source: str, length: int) -> None:
    assert len(prompt_of(source).render("", {"a": StandIn("x" * 10)})) == length


@given(st.dictionaries(st.text(), _JSON) | st.lists(_JSON))
def test_objects_and_lists_are_said_as_json(input: Any) -> None:
    source = "{{ input }}{% if input.x.y %}{% endif %}"

    assert json.loads(rendered(source, input)) == plain(input)


@given(_JSON)
def test_what_a_consumer_sends_is_never_a_template(input: Any) -> None:
    told = {"text": "{{ steps.secret }}{% debug %}", "rest": input}

    assert rendered("{{ input.text }}", told, secret="s3") == told["text"]
