"""What a step asks a model: its prompts, rendered, as a request for chat."""

from collections.abc import Mapping
from typing import Any

from gateway.ask import Ask
from gateway.errors import InvalidRequest
from gateway.transports.base import Body
from gateway.workflows.definition import Step
from gateway.workflows.prompts import MOST_CHARACTERS, Missing, TooLong, Unfit

# Tokens for what stands around each message.
_ALLOWANCE = 16
Outputs = Mapping[str, Any]


def ask_of(step: Step, input: Any, outputs: Outputs, *, model: str | None) -> Ask:
    """`input` and `outputs` as values.plain() makes them. Raises InvalidRequest (400), which names what is missing."""
    messages = _messages(step, input, outputs)
    body: Body = {"messages": messages}
    if step.temperature is not None:
        body["temperature"] = step.temperature
    if step.is_json:
        body["response_format"] = {"type": "json_object"}
    return Ask(
        body=body,
        model=step.model or model,
        stream=False,
        include_usage=False,
        choices=1,
        max_tokens=step.max_tokens,
        input_bound=sum(_bytes(message["content"]) + _ALLOWANCE for message in messages) + _ALLOWANCE,
        media=0,
    )


def length(step: Step, input: Any, outputs: Outputs) -> int:
    """Of both messages, in bytes. Raises InvalidRequest (400)."""
    return sum(_bytes(message["content"]) for message in _messages(step, input, outputs))


def _messages(step: Step, input: Any, outputs: Outputs) -> list[dict[str, str]]:
    try:
        system, prompt = step.system.render(input, outputs), step.prompt.render(input, outputs)
    except Missing as error:
        raise InvalidRequest(
            f"The step `{step.name}` needs `{error.name}`, which is not there.", param=error.name, code="input_missing"
        ) from error
    except TooLong as error:
        raise InvalidRequest(
            f"The prompt of the step `{step.name}` comes to more than {MOST_CHARACTERS} characters, or has too much to "
            "look at: send less.",
            param="input",
            code="input_too_long",
        ) from error
    except Unfit as error:
        raise InvalidRequest(
            f"The step `{step.name}` can't be made of this `input`: it expects other types.", param="input"
        ) from error
    if not prompt:
        raise InvalidRequest(f"The prompt of the step `{step.name}` is empty for this `input`.", param="input")
    asked = [{"role": "user", "content": prompt}]
    return [{"role": "system", "content": system}, *asked] if system else asked


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
