"""The inner calls of a chat that is answered by reasoning, or as a classifier chooses: planned first, then made."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings

from gateway.ask import Ask
from gateway.composed.calls import Calls
from gateway.composed.planned import Plan, Planned
from gateway.composed.whole import Whole
from gateway.endpoints.chat_said import text_in, thoughts_in
from gateway.exchange import LEAST_OUTPUT
from gateway.modes import classifier, prompts
from gateway.modes.names import PASSTHROUGH
from gateway.modes.steps import Step
from gateway.routing import Candidate
from gateway.transports.base import Body, Reply
from gateway.transports.chunk import Chunk, translated

AGENT, CLASSIFIER = "reasoning-agent", "routing-classifier"
STEP_GENERATION, SYNTHESIS, AUTO_ROUTING = "step_generation", "synthesis", "auto_routing"

# What shapes the answer, and so is nothing for the steps that lead to it.
_OF_THE_ANSWER = frozenset(
    (
        *("response_format", "n", "stop", "logprobs", "top_logprobs", "logit_bias", "max_tokens"),
        *("max_completion_tokens", "stream", "stream_options", "tool_choice", "parallel_tool_calls", "functions"),
        *("function_call", "modalities", "audio", "prediction", "web_search_options"),
    )
)


def planned(ask: Ask, candidates: tuple[Candidate, ...], by: tuple[Candidate, ...]) -> Plan:
    """A classifier's call `by` its candidates where there are any, the steps, the answer. An answer without steps costs
    no more than one with them, so that this is the most in either case.
    """
    first = [classifier.planned(by)] if by else []
    most = settings.REASONING_STEP_TOKENS
    steps = [
        Planned(
            candidates,
            input_bound=ask.input_bound + prompts.ALLOWANCE,
            most=most,
            least=min(LEAST_OUTPUT, most),
            media=ask.media,
            hears=tuple(range(len(first), len(first) + number)),
        )
        for number in range(settings.REASONING_STEPS)
    ]
    answer = Planned(
        candidates,
        input_bound=ask.input_bound + prompts.ALLOWANCE,
        most=ask.max_tokens,
        least=ask.max_tokens or LEAST_OUTPUT,
        media=ask.media,
        hears=tuple(range(len(first), len(first) + len(steps))),
    )
    return Plan((*first, *steps, answer))


class Composition:
    """One whole's. Its first call is the classifier's if `is_open`: the mode is still to be chosen."""

    def __init__(self, whole: Whole, *, is_open: bool) -> None:
        self._whole, self._is_open = whole, is_open
        self._steps: list[str] = []

    async def play(self, calls: Calls) -> Reply | None:
        """Raises ServiceError."""
        if self._is_open and await self._chosen(calls) == PASSTHROUGH:
            return await self._answer(calls, self._whole.ask, self._tags(PASSTHROUGH, None))
        for place in range(int(self._is_open), len(self._whole.plan.calls) - 1):
            step = await self._step(calls, place)
            if step.text:
                self._steps.append(step.text)
            if step.is_last or not step.text:
                break
        reply = await self._answer(calls, self._ask_for_answer(), self._tags(AGENT, SYNTHESIS))
        return reply if reply is None else self._with_steps(reply)

    async def _chosen(self, calls: Calls) -> str:
        return await classifier.chosen(calls, 0, self._whole.ask, self._tags(CLASSIFIER, AUTO_ROUTING))

    async def _answer(self, calls: Calls, ask: Ask, tags: dict[str, str]) -> Reply | None:
        last = len(self._whole.plan.calls) - 1
        if not ask.stream:
            return await calls.complete(last, ask, tags)
        await calls.stream(last, ask, tags, calls.say)
        return None

    async def _step(self, calls: Calls, place: int) -> Step:
        step, ask, tags = Step(), self._ask_for_step(), self._tags(AGENT, STEP_GENERATION)
        if not ask.stream:
            reply = await calls.complete(place, ask, tags)
            step.take(_text(reply))
            step.rest()
            return step
        if self._steps:
            await calls.say([_thought("\n\n")])
        await calls.stream(place, ask, tags, partial(_hear, calls, step))
        if shown := step.rest():
            await calls.say([_thought(shown)])
        return step

    def _ask_for_step(self) -> Ask:
        ask = self._whole.ask
        body = {name: value for name, value in ask.body.items() if name not in _OF_THE_ANSWER}
        body["messages"] = prompts.for_step(self._messages, self._steps)
        if body.get("tools"):
            body["tool_choice"] = "none"
        return replace(
            ask, body=body, choices=1, max_tokens=settings.REASONING_STEP_TOKENS, input_bound=self._input_bound
        )

    def _ask_for_answer(self) -> Ask:
        body = {**self._whole.ask.body, "messages": prompts.for_answer(self._messages, self._steps)}
        return replace(self._whole.ask, body=body, input_bound=self._input_bound)

    @property
    def _input_bound(self) -> int:
        return self._whole.ask.input_bound + prompts.size_of(self._steps)

    @property
    def _messages(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self._whole.ask.body["messages"]
        return messages

    def _tags(self, component: str, operation: str | None) -> dict[str, str]:
        return {**self._whole.tags, "component": component, **({"operation": operation} if operation else {})}

    def _with_steps(self, reply: Reply) -> Reply:
        """Before what a reasoning model has thought by itself."""
        choices = [
            {**choice, "message": _thoughtful(choice["message"], self._steps)}
            if isinstance(choice, dict) and isinstance(choice.get("message"), dict)
            else choice
            for choice in reply.body["choices"]
        ]
        return Reply({**reply.body, "choices": choices}, None)


async def _hear(calls: Calls, step: Step, chunks: list[Chunk]) -> None:
    """What a reasoning model thinks within a step is not shown: the step is what came of it."""
    if shown := step.take("".join(map(_content, chunks))):
        await calls.say([_thought(shown)])


def _content(chunk: Chunk) -> str:
    choices = chunk.body.get("choices") or ()
    deltas = [choice.get("delta") for choice in choices if isinstance(choice, dict)]
    return "".join(text_in(delta) for delta in deltas if isinstance(delta, dict))


def _thought(text: str) -> Chunk:
    return translated({"choices": [{"index": 0, "delta": {"reasoning_content": text}, "finish_reason": None}]})


def _thoughtful(message: Body, steps: list[str]) -> Body:
    thoughts = "\n\n".join([*steps, *filter(None, [thoughts_in(message)])])
    return {**message, "reasoning_content": thoughts} if thoughts else message


def _text(reply: Reply) -> str:
    choices = reply.body["choices"]
    message = choices[0].get("message") if choices and isinstance(choices[0], dict) else None
    return text_in(message) if isinstance(message, dict) else ""
