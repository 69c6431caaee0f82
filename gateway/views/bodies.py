"""The bodies of the endpoints that ask a model, as the API schema tells of them: the fields that are read here.

Providers know more, which are passed on. What goes beyond this is said in docs/gateway.md.
"""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes

from gateway.routing.strategies import STRATEGIES
from gateway.routing.wishes import LATENCY, PRIVACY
from opscenter.core.tiers import Tier

_Shape = dict[str, Any]

_TEXT: _Shape = {"type": "string"}
_FLAG: _Shape = {"type": "boolean", "nullable": True}
_OBJECT: _Shape = {"type": "object", "additionalProperties": {}}
_NUMBER: _Shape = {"type": "number"}


def _count(most: int = 10_000_000) -> _Shape:
    return {"type": "integer", "minimum": 1, "maximum": most, "nullable": True}


def _list(of: _Shape) -> _Shape:
    return {"type": "array", "items": of}


def _some(of: _Shape) -> _Shape:
    return {**_list(of), "minItems": 1}


def _fields(*required: str, **fields: _Shape) -> _Shape:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", **needed, "properties": fields, "additionalProperties": {}}


def _said_by(*roles: str) -> _Shape:
    content: _Shape = {"oneOf": [_TEXT, _list(_fields("type", type=_TEXT))]}
    return _some(_fields("role", "content", role={"type": "string", "enum": list(roles)}, content=content))


def _request(*required: str, **fields: _Shape) -> dict[str, _Shape]:
    common: dict[str, _Shape] = {
        "model": {"type": "string", "description": "Left out, or `auto`: the active provider of the purpose."},
        "max_cost": {"type": "number", "minimum": 0, "description": "Credits that the call may cost at most."},
        "metadata": _fields(component=_TEXT, operation=_TEXT, routing_path=_TEXT),
    }
    return {"application/json": _fields(*required, **common, **fields)}


_FUNCTION: _Shape = {"type": "string", "enum": ["function"]}
_SAMPLED = {"stream": _FLAG, "temperature": _NUMBER, "top_p": _NUMBER}

CHAT = _request(
    "messages",
    messages=_said_by("system", "developer", "user", "assistant", "tool"),
    n=_count(128),
    max_tokens=_count(),
    max_completion_tokens=_count(),
    stop={"oneOf": [_TEXT, _list(_TEXT)]},
    response_format=_OBJECT,
    tools=_list(_fields("type", "function", type=_FUNCTION, function=_fields("name", name=_TEXT))),
    **_SAMPLED,
)
_WISHES: _Shape = {
    "type": "object",
    "properties": {
        "strategy": {"type": "string", "enum": list(STRATEGIES)},
        "privacy": {"type": "string", "enum": list(PRIVACY)},
        "latency": {"type": "string", "enum": list(LATENCY)},
        "max_latency_ms": _count(600_000),
        "tier": {"type": "string", "enum": Tier.values},
        "providers": _list(_TEXT),
        "exclude": _list(_TEXT),
    },
    "additionalProperties": False,
}
ROUTED_CHAT = {
    "application/json": {
        **CHAT["application/json"],
        "properties": {**CHAT["application/json"]["properties"], "power_level": _TEXT, "routing": _WISHES},
    }
}
MESSAGES = _request(
    *("messages", "max_tokens"),
    messages=_said_by("user", "assistant"),
    max_tokens={"type": "integer", "minimum": 1, "maximum": 10_000_000},
    system=_TEXT,
    stop_sequences=_list(_TEXT),
    tools=_list(_fields("name", name=_TEXT)),
    **_SAMPLED,
)
COUNTED = _request(
    "messages", messages=_said_by("user", "assistant"), system=_TEXT, tools=_list(_fields("name", name=_TEXT))
)
RESPONSES = _request(
    "input",
    input={"oneOf": [{**_TEXT, "minLength": 1}, _said_by("system", "developer", "user", "assistant")]},
    instructions={**_TEXT, "nullable": True},
    max_output_tokens=_count(),
    tools=_list(_fields("type", "name", type=_FUNCTION, name=_TEXT)),
    **_SAMPLED,
)
EMBEDDINGS = _request(
    "input",
    input={"oneOf": [{**_TEXT, "minLength": 1}, _some(_TEXT), _some({"type": "integer"})]},
    dimensions=_count(),
    encoding_format={"type": "string", "enum": ["float", "base64"]},
)
RERANK = _request(
    *("query", "documents"),
    query={**_TEXT, "minLength": 1},
    documents=_some({"oneOf": [_TEXT, _fields("text", text=_TEXT)]}),
    top_n=_count(),
    return_documents=_FLAG,
)
WORKFLOW = {
    "application/json": {
        **_fields(
            *("workflowId", "input"),
            workflowId={**_TEXT, "minLength": 1, "description": "As GET /v1/workflows names it."},
            input={"oneOf": [{**_TEXT, "minLength": 1}, _OBJECT, _list({})], "description": "What it works on."},
            model={**_TEXT, "description": "For steps that leave it open. Without: the active provider."},
            max_cost={"type": "number", "minimum": 0, "description": "Credits that all steps may cost at most."},
            metadata=_fields(component=_TEXT, operation=_TEXT, routing_path=_TEXT),
        ),
        "additionalProperties": False,
    }
}
QUOTED = {
    "application/json": {
        "anyOf": [
            body["application/json"] for body in (CHAT, ROUTED_CHAT, MESSAGES, RESPONSES, EMBEDDINGS, RERANK, WORKFLOW)
        ]
    }
}
STREAMED: Mapping[tuple[int, str], Any] = {
    (200, "application/json"): OpenApiTypes.OBJECT,
    (200, "text/event-stream"): OpenApiTypes.STR,
}
"""The answers of an endpoint that streams where it is asked to."""
