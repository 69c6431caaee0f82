"""Requests as clients make them, for operations that ask a model: what chance alone says is refused before that.

They are made odd as all others are (tests/fuzz/odd.py), and so are odd where it matters.
"""

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from schemathesis import Case as AnyCase

from gateway.modes.names import MODES
from gateway.routing.strategies import STRATEGIES

Case = AnyCase[Any]
Body = dict[str, Any]

# The rest is what the description allows for, whatever it is.
_OFTEN = 0.9
_NOW_AND_THEN = 0.2
# Of what chance says beside it, most of which is refused.
_RARELY = 0.03
_TEXTS = ("Hello", "Why is the sky blue?", "Grüß Gott, ٣ \u202e🙂", "a\x00b\r\n\x1b[31m", " ", "word " * 400)


def make_plausible(case: Case, models: list[str], chance: Random) -> None:
    """`case` becomes, most of the time, what it is there for; `models` are those of chat, embeddings and reranking."""
    if (say := SAID_BY.get(case.operation.label)) is None or chance.random() > _OFTEN:
        return
    chances = case.body if isinstance(case.body, dict) else {}
    kept = {name: value for name, value in chances.items() if chance.random() < _RARELY}
    case.body = {**kept, **say(models, chance), **_of_all(chance)}
    case.query = {}
    for name in list(case.headers):
        del case.headers[name]
    case.headers.update(_headers(chance, is_chat="chat" in case.path))
    if case.operation.label == QUOTE:
        _quoted(case, models, chance)


def _quoted(case: Case, models: list[str], chance: Random) -> None:
    """Of any of the others, which the address or the body names."""
    priced = chance.choice(sorted(_PRICED))
    case.body = {**_PRICED[priced](models, chance), **_of_all(chance)}
    named = priced.replace("POST /api/v2/llm/", "v2/").removeprefix("POST /v1/")
    (case.query if chance.random() < 0.5 else case.body)["endpoint"] = named


def _some(fields: Body, chance: Random) -> Body:
    return {name: value for name, value in fields.items() if chance.random() < _NOW_AND_THEN}


def _of_all(chance: Random) -> Body:
    return _some({"max_cost": chance.choice([50, 1e3]), "metadata": {"component": chance.choice(_TEXTS)}}, chance)


def _headers(chance: Random, *, is_chat: bool) -> dict[str, str]:
    """Keys that come again, with other bodies, among those that don't; a chat has all modes."""
    key = chance.choice([str(UUID(int=chance.getrandbits(128))), f"again-{chance.randrange(4)}"])
    power = chance.choice(["eco", "balanced"])
    said = {
        "Idempotency-Key": key,
        "X-Max-Cost": "50.5",
        "X-Routing-Mode": chance.choice(MODES if is_chat else MODES[:1]),
    }
    return _some({**said, "X-Power-Level": power, "X-Component": "fuzz"}, chance)


def _turns(roles: tuple[str, ...], part: str, chance: Random) -> list[Body]:
    """Said in turns, the last one by the user: each a text or a list of parts."""
    earlier = [{"role": chance.choice(roles), "content": _content(part, chance)} for _ in range(chance.randrange(3))]
    return [*earlier, {"role": "user", "content": _content(part, chance)}]


def _content(part: str, chance: Random) -> Any:
    text = chance.choice(_TEXTS)
    return text if chance.random() < 0.7 else [{"type": part, "text": text}]


def _sampled(chance: Random) -> Body:
    return _some({"stream": chance.random() < 0.8, "temperature": chance.random(), "top_p": 0.9}, chance)


def _chat(models: list[str], chance: Random) -> Body:
    function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
    also = {
        "max_tokens": chance.randint(1, 64),
        "max_completion_tokens": chance.randint(1, 64),
        "n": chance.randint(1, 3),
        "stop": chance.choice(["sky", ["a", "not"]]),
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": function}],
    }
    turns = _turns(("system", "user", "assistant"), "text", chance)
    return {"model": models[0], "messages": turns, **_sampled(chance), **_some(also, chance)}


def _routed_chat(models: list[str], chance: Random) -> Body:
    wishes = {
        "strategy": chance.choice(sorted(STRATEGIES)),
        "privacy": "any",
        "latency": "slow",
        "max_latency_ms": 600_000,
        "exclude": ["nobody"],
    }
    return _chat(models, chance) | _some({"routing": _some(wishes, chance), "power_level": "eco"}, chance)


def _counted(models: list[str], chance: Random) -> Body:
    tool = {"name": "look_up", "input_schema": {"type": "object", "properties": {}}}
    also = {"system": chance.choice(_TEXTS[:3]), "tools": [tool]}
    return {"model": models[0], "messages": _turns(("user", "assistant"), "text", chance), **_some(also, chance)}


def _message(models: list[str], chance: Random) -> Body:
    also = _some({"stop_sequences": ["sky"]}, chance)
    return {**_counted(models, chance), "max_tokens": chance.randint(1, 64), **_sampled(chance), **also}


def _response(models: list[str], chance: Random) -> Body:
    given = chance.choice([chance.choice(_TEXTS), _turns(("system", "user"), "input_text", chance)])
    tool = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
    also = {"instructions": "Be brief.", "max_output_tokens": chance.randint(16, 64), "tools": [tool], "store": False}
    return {"model": models[0], "input": given, **_sampled(chance), **_some(also, chance)}


def _embeddings(models: list[str], chance: Random) -> Body:
    given = chance.choice([chance.choice(_TEXTS), list(_TEXTS), [1, 2, 3], [[1], [2, 3]]])
    also = {"dimensions": chance.randint(1, 32), "encoding_format": chance.choice(["float", "base64"])}
    return {"model": models[1], "input": given, **_some(also, chance)}


def _rerank(models: list[str], chance: Random) -> Body:
    documents = [chance.choice([text, {"text": text}]) for text in chance.sample(_TEXTS, chance.randint(1, 4))]
    also = {"top_n": chance.randint(1, 5), "return_documents": chance.random() < 0.5}
    return {"model": models[2], "query": chance.choice(_TEXTS[:4]), "documents": documents, **_some(also, chance)}


def _workflow(models: list[str], chance: Random) -> Body:
    given = chance.choice([chance.choice(_TEXTS), {"text": chance.choice(_TEXTS)}, list(_TEXTS)])
    return {"workflowId": "completion-workflow", "input": given, **_some({"model": models[0]}, chance)}


_PRICED: dict[str, Callable[[list[str], Random], Body]] = {
    "POST /v1/chat/completions": _chat,
    "POST /api/v2/llm/chat/completions": _routed_chat,
    "POST /v1/messages": _message,
    "POST /v1/responses": _response,
    "POST /v1/embeddings": _embeddings,
    "POST /v1/rerank": _rerank,
    "POST /v1/workflows/execute": _workflow,
}
QUOTE = "POST /v1/quote"
SAID_BY = {
    **_PRICED,
    QUOTE: _chat,
    "POST /api/v2/llm/routing/explain": _routed_chat,
    "POST /v1/messages/count_tokens": _counted,
}
TESTS = (
    "POST /api/v1/admin/platform-keys/{provider}/test",
    "POST /api/v1/llm-config/api-keys/{id}/test",
    "POST /api/v1/llm-config/servers/{id}/test",
    "POST /api/v1/llm/providers/{id}/test",
)
INFERENCE = (*SAID_BY, *TESTS)
"""Operations of the description, by their names in it, which ask a model or try a provider's key. In every whole run
somebody has to have success with each of them.
"""
