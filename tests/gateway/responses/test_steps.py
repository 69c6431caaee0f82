"""A chat's chunks, step by step as a response's events."""

from typing import Any

from gateway.endpoints.responses.steps import Steps


def delta(finish: str | None = None, index: int = 0, **said: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": said, "finish_reason": finish}]}


def tool(arguments: str, **call: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": call.pop("name")} if "name" in call else {})}
    return {"tool_calls": [{"function": function, **call}]}


def told(*chunks: dict[str, Any]) -> tuple[list[Any], Steps]:
    steps = Steps(ids="x")
    events = [event for chunk in chunks for event in steps.of(chunk)]
    return [*events, *steps.last()], steps


def test_thoughts_text_and_calls_are_items_one_after_the_other() -> None:
    events, steps = told(
        delta(reasoning_content="Hm"),
        delta(reasoning_content="."),
        delta(content="I look."),
        delta(**tool("", index=0, id="c1", name="f")),
        delta(**tool("{}", index=0)),
        delta("tool_calls"),
    )

    assert [event["type"].removeprefix("response.") for event in events] == [
        *("output_item.added", "reasoning_summary_part.added"),
        *("reasoning_summary_text.delta", "reasoning_summary_text.delta"),
        *("reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"),
        *("output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done"),
    ]
    assert [item["type"] for item in steps.output] == ["reasoning", "message", "function_call"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == steps.output
    assert {event.get("item_id", event.get("item", {}).get("id")) for event in events} == {
        "rs_x_0",
        "msg_x_1",
        "fc_x_2",
    }


def test_calls_side_by_side_keep_apart_however_they_are_numbered() -> None:
    _, numbered = told(
        delta(**tool('{"a"', index=0, id="c1", name="f")),
        delta(**tool("[]", index=1, id="c2", name="g")),
        delta(**tool(":1}", index=0)),
    )
    _, unnumbered = told(delta(**tool("1", id="c1", name="f")), delta(**tool("2", id="c2", name="g")))
    _, unnamed = told(delta(**tool("1", name="f")), delta(**tool("2", name="g")))

    assert [(call["call_id"], call["arguments"]) for call in numbered.output] == [("c1", '{"a":1}'), ("c2", "[]")]
    assert [(call["call_id"], call["arguments"]) for call in unnumbered.output] == [("c1", "1"), ("c2", "2")]
    assert [(call["name"], call["arguments"]) for call in unnamed.output] == [("f", "1"), ("g", "2")]
    assert len({call["call_id"] for call in unnamed.output}) == 2


def test_a_refusal_is_a_message_that_says_so() -> None:
    events, steps = told(delta(refusal="No"), delta(refusal="."), delta("stop"))

    (item,) = steps.output
    assert item["content"] == [{"type": "refusal", "refusal": "No."}]
    assert [event["delta"] for event in events if event["type"] == "response.refusal.delta"] == ["No", "."]


def test_what_was_cut_is_incomplete_and_what_came_before_it_is_not() -> None:
    for reason, why in (("length", "max_output_tokens"), ("content_filter", "content_filter")):
        _, steps = told(delta(reasoning="Hm"), delta(content="I lo"), delta(reason))

        assert (steps.status, steps.why_incomplete) == ("incomplete", why)
        assert [item["status"] for item in steps.output] == ["completed", "incomplete"]


def test_other_choices_and_empty_deltas_say_nothing() -> None:
    events, steps = told(delta(role="assistant", content=""), delta(index=1, content="no"), delta("stop"))

    assert (events, steps.output, steps.status) == ([], [], "completed")
