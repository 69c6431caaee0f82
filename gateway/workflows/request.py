"""POST /v1/workflows/execute: how a request is read."""

from typing import Any

from gateway.ask import Ask, boolean_in, model_in, printable, take_tags
from gateway.counting import count_tokens
from gateway.endpoints.base import Endpoint, OneWay
from gateway.endpoints.chat import ChatWay
from gateway.errors import InvalidRequest
from gateway.request_json import json_object
from gateway.transports.base import Body
from llmconfig.models import Purpose

WORKFLOW, INPUT = "workflowId", "input"
_TAG_LENGTH = 100
# By `endpoint` a quote is told whose request it prices.
_FIELDS = frozenset({WORKFLOW, INPUT, "model", "metadata", "max_cost", "stream", "endpoint"})


def parse(raw: bytes) -> Ask:
    """Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    id = body.get(WORKFLOW)
    if not isinstance(id, str) or not id:
        raise InvalidRequest(f"`{WORKFLOW}` names the workflow: GET /v1/workflows has yours.", param=WORKFLOW)
    if body.get(INPUT) in (None, ""):
        raise InvalidRequest(f"`{INPUT}` is what the workflow works on: a text, or an object.", param=INPUT)
    for name in body.keys() - _FIELDS:
        raise InvalidRequest(f"`{name}` is no field here. What a workflow works on is in `{INPUT}`.", param=name)
    if boolean_in(body, "stream"):
        raise InvalidRequest("Workflows answer in one piece: leave `stream` out.", param="stream")
    return Ask(
        body=body,
        model=model_in(body),
        stream=False,
        include_usage=False,
        choices=1,
        max_tokens=None,
        input_bound=len(raw),
        media=0,
        tags={"routing_path": printable(id)[:_TAG_LENGTH], **take_tags(body)},
    )


def _tokens_of_input(body: Body) -> int:
    given: Any = body[INPUT]
    return count_tokens(given if isinstance(given, str) else str(given))


EXECUTE: Endpoint = OneWay("workflows/execute", Purpose.CHAT.value, parse, _tokens_of_input, ChatWay())
