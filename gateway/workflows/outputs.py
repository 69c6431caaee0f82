"""What a step said, as later prompts and the caller have it."""

from typing import Any

from gateway.errors import InvalidRequest, UpstreamFailed
from gateway.request_json import json_object
from gateway.transports.base import Body, Reply
from gateway.workflows.definition import Step

_FENCE = "```"


def read(step: Step, reply: Reply) -> Any:
    """A text, or of a JSON step an object. Raises UpstreamFailed (502) for anything else."""
    text = _text(reply.body)
    if not step.is_json:
        return text
    try:
        return json_object(_unfenced(text).encode(errors="replace"))
    except InvalidRequest as error:
        raise UpstreamFailed(
            f"The model of the step `{step.name}` was asked for a JSON object and answered something else.",
            code="step_output_invalid",
        ) from error


def finish_of(reply: Reply) -> str | None:
    found = _choice(reply.body).get("finish_reason")
    return found if isinstance(found, str) else None


def _text(body: Body) -> str:
    message = _choice(body).get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def _choice(body: Body) -> Body:
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _unfenced(text: str) -> str:
    """Some models put JSON into a block of Markdown whatever they are asked."""
    text = text.strip()
    if not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    return text.removesuffix(_FENCE).partition("\n")[2]
