"""What a message of a chat, or a delta of its stream, says: read with care, since many servers write them."""

from typing import Any

from gateway.transports.base import Body

_THOUGHTS = ("reasoning_content", "reasoning")


def thoughts_in(message: Body) -> str:
    return next((value for name in _THOUGHTS if isinstance(value := message.get(name), str) and value), "")


def text_in(message: Body) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in parts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def refusal_in(message: Body) -> str:
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else ""


def calls_in(message: Body) -> list[Body]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def function_in(call: Body) -> tuple[str, str]:
    """(name, arguments as they were written), each as far as it is there."""
    function: Any = call.get("function")
    function = function if isinstance(function, dict) else {}
    name, arguments = function.get("name"), function.get("arguments")
    return name if isinstance(name, str) else "", arguments if isinstance(arguments, str) else ""
