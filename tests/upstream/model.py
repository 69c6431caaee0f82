"""What the test upstream says: the demo's answers, bent as the call's misbehaviour asks."""

import itertools
from collections.abc import Iterator
from typing import Any

from opscenter.demo_server import Answer, Chat, DemoModel
from tests.upstream.misbehaviour import Misbehaviour

WRONG_USAGES: dict[str, Any] = {
    "negative": {"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12},
    "strings": {"prompt_tokens": "many", "completion_tokens": "12", "total_tokens": None},
    "huge": {"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 2 * 10**15},
    "empty": {},
    "list": [1, 2, 3],
}
TOOL_CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": ""},
}
TOOL_ARGUMENTS = ('{"city": ', '"Paris"}')
THOUGHTS = (" Let me", " think.")


class UpstreamModel(DemoModel):
    """Any model name, one call."""

    def __init__(self, misbehaviour: Misbehaviour) -> None:
        self.misbehaviour = misbehaviour

    def text(self, chat: Chat) -> str:
        if "chunks" in self.misbehaviour:
            return " ".join(f"word{i}" for i in range(int(self.misbehaviour.number("chunks"))))
        return self.misbehaviour.text("says") or super().text(chat)

    def answer(self, chat: Chat) -> Answer:
        answer = super().answer(chat)
        if "tool-calls" in self.misbehaviour:
            return Answer(answer.words, "tool_calls")
        return answer

    def usage(self, chat: Chat, answer: Answer) -> dict[str, Any] | None:
        if "no-usage" in self.misbehaviour:
            return None
        if "wrong-usage" in self.misbehaviour:
            wrong: dict[str, Any] = WRONG_USAGES[self.misbehaviour.text("wrong-usage")]
            return wrong
        usage = super().usage(chat, answer) or {}
        if "usage" in self.misbehaviour:
            prompt, completion = (int(self.misbehaviour.number("usage", i)) for i in (0, 1))
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            }
        if "cached" in self.misbehaviour:
            usage["prompt_tokens_details"] = {"cached_tokens": int(self.misbehaviour.number("cached"))}
        return usage

    def message(self, answer: Answer) -> dict[str, Any]:
        message = super().message(answer)
        if "tool-calls" in self.misbehaviour:
            whole = {"function": TOOL_CALL["function"] | {"arguments": "".join(TOOL_ARGUMENTS)}}
            message |= {"content": None, "tool_calls": [call | whole for call in self._tool_calls()]}
        if "reasoning" in self.misbehaviour:
            message["reasoning_content"] = "".join(THOUGHTS)
        return message

    def deltas(self, answer: Answer) -> Iterator[dict[str, Any]]:
        if "reasoning" in self.misbehaviour:
            yield from ({"reasoning_content": thought} for thought in THOUGHTS)
        if "tool-calls" in self.misbehaviour:
            head: dict[str, Any] = {"role": "assistant", "content": None}
            for index, call in enumerate(self._tool_calls()):
                yield head | {"tool_calls": [{"index": index} | call]}
                head = {}
                for part in TOOL_ARGUMENTS:
                    yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
            return
        yield from super().deltas(answer)
        if "endless" in self.misbehaviour:
            size = int(self.misbehaviour.number("endless", 1))
            yield from ({"content": f" more{i}".ljust(size, "x")} for i in itertools.count())

    def _tool_calls(self) -> list[dict[str, Any]]:
        return [TOOL_CALL | {"id": f"call_{n + 1}"} for n in range(int(self.misbehaviour.number("tool-calls", 0, 1)))]

    def completion(self, chat: Chat) -> dict[str, Any]:
        body = super().completion(chat)
        if "no-finish" in self.misbehaviour:
            for choice in body["choices"]:
                choice["finish_reason"] = None
        return body

    def chunks(self, chat: Chat) -> Iterator[dict[str, Any]]:
        for chunk in super().chunks(chat):
            if "no-finish" in self.misbehaviour and any(c["finish_reason"] for c in chunk["choices"]):
                continue
            if "usage-on-each-chunk" in self.misbehaviour and chunk["choices"]:
                chunk = chunk | {"usage": self.usage(chat, self.answer(chat))}
            yield chunk
