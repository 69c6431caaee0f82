"""What is said to models beside the conversation itself: how to reason in steps, when to answer, how to classify.

Instructions go into the conversation's system message, which stays the same from step to step, and what was worked out
so far behind the conversation: so a provider's cache serves the long part of every call.
"""

from collections.abc import Sequence
from typing import Any

Messages = list[dict[str, Any]]

READY = "[ready to answer]"
"""What a model ends a step with where no other is needed."""

_SYSTEM = f"""\
You work in two phases: first you reason, then you answer.

While you reason, each of your replies is one step, in plain text: work out one thing that the answer depends on, such \
as what exactly is being asked, what is known, a calculation, a check of an earlier step, a case that could be missed. \
Be brief and concrete, build on the steps before it, correct them where they are wrong, and leave the answer itself, \
greetings and tool calls for later. If nothing else has to be worked out, end the step with a line of its own that \
says {READY}

When you are told to answer, do so as if you had been asked just then, in the language and the form that were asked \
for. Don't mention the steps or the phases: the reader sees the answer alone."""
_NEXT = "Go on with the next step."
_ANSWER = "Now answer."
_ROLES = ("system", "developer")
_PER_MESSAGE = 16
ALLOWANCE = len(_SYSTEM.encode()) + max(len(_NEXT), len(_ANSWER)) + 4 * _PER_MESSAGE
"""The most tokens that these words are beside the steps themselves."""

_CLASSIFY = """\
You decide how a request to a language model is handled. Reply with one word and nothing else.

reasoning: an answer needs several steps of thought that depend on each other, such as mathematics, logic, planning, \
debugging, comparing alternatives, or drawing conclusions from a longer text.
passthrough: anything that can be answered at once, such as small talk, a fact, a translation, a rephrasing, a short \
text, or a simple piece of code."""
_EXCERPT = 2000
CLASSIFYING_BOUND = len(_CLASSIFY.encode()) + 4 * _EXCERPT + 4 * _PER_MESSAGE


def for_step(messages: Messages, steps: Sequence[str]) -> Messages:
    """The conversation, with the instruction and the steps so far."""
    return [*_instructed(messages), *_behind(steps, _NEXT)] if steps else _instructed(messages)


def for_answer(messages: Messages, steps: Sequence[str]) -> Messages:
    """Unchanged where there are no steps."""
    return [*_instructed(messages), *_behind(steps, _ANSWER)] if steps else messages


def size_of(steps: Sequence[str]) -> int:
    """The most tokens that `steps` and all that is said around them are."""
    return ALLOWANCE + len(_told(steps).encode(errors="surrogatepass"))


def for_classifier(text: str) -> Messages:
    """`text` may be long."""
    return [{"role": "system", "content": _CLASSIFY}, {"role": "user", "content": text[:_EXCERPT]}]


def _instructed(messages: Messages) -> Messages:
    """In the caller's own system message if there is one: some models take no second."""
    first = messages[0]
    if first.get("role") not in _ROLES:
        return [{"role": "system", "content": _SYSTEM}, *messages]
    content = first.get("content")
    if isinstance(content, list):
        return [{**first, "content": [*content, {"type": "text", "text": _SYSTEM}]}, *messages[1:]]
    return [{**first, "content": f"{content or ''}\n\n{_SYSTEM}".strip()}, *messages[1:]]


def _behind(steps: Sequence[str], directive: str) -> Messages:
    return [{"role": "assistant", "content": _told(steps)}, {"role": "user", "content": directive}]


def _told(steps: Sequence[str]) -> str:
    return "\n\n".join(f"Step {number}: {step}" for number, step in enumerate(steps, start=1))
