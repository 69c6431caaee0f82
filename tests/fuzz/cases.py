"""Cases by schemathesis: of each operation of the API's description what it allows for, and what it doesn't."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case as AnyCase
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from tests.fuzz.plausible import TESTS, make_plausible
from tests.fuzz.world import Rows

Case = AnyCase[Any]
GENERATED = settings(
    database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), derandomize=False
)
_DATA = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "object"}}
EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"anyOf": [{"type": "string", "enum": ["[DONE]"]}, _DATA]}},
}
# What a case would otherwise be refused at, most of the time.
_NAMING = 0.7
# Deleting what is there leaves nothing to be asked about; a test of what isn't there calls nobody.
_DELETING = 0.1
_TESTING = 0.95


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `operation` is its name in the description, which says whether just anybody may ask.

    `case` is what the description has the answer checked against; None where the method is not in it.
    """

    operation: str
    is_open: bool
    method: str
    url: str
    query: dict[str, Any]
    headers: dict[str, str | bytes]
    content: bytes
    case: Case | None


def operations() -> list[Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # drf-spectacular's
    description = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # as above
    described = json.loads(json.dumps(description, default=str))
    for streamed in _streams(described):
        # To OpenAPI it is one text; what is checked is each event.
        streamed["schema"] = EVENT
    schema = schemathesis.openapi.from_dict(described)
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


def _streams(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield from (inner for name, inner in node.items() if name == "text/event-stream")
        for inner in node.values():
            yield from _streams(inner)


def cases_of(operation: Any, mode: GenerationMode, *, number: int, chance: Random, rows: Rows) -> list[Case]:
    """Up to `number` of them; most name what is there, where they name something.

    Of what is allowed for, that which asks a model is most of the time as clients would say it.
    """
    made: list[Case] = []

    @seed(chance.getrandbits(64))
    @settings(GENERATED, max_examples=number)
    @given(operation.as_strategy(generation_mode=mode))
    def keep(case: Case) -> None:
        made.append(case)

    keep()
    for case in made:
        _name_what_is_there(case, chance, rows)
        if mode is GenerationMode.POSITIVE:
            make_plausible(case, rows.fields["model"], chance)
    return made


def _name_what_is_there(case: Case, chance: Random, rows: Rows) -> None:
    often = _TESTING if case.operation.label in TESTS else _DELETING if case.method == "DELETE" else _NAMING
    for name, value in (case.path_parameters or {}).items():
        if (known := rows.named(case.path, name, value)) and chance.random() < often:
            case.path_parameters[name] = chance.choice(known)
    if isinstance(case.body, dict):
        for name in rows.fields.keys() & case.body.keys():
            if chance.random() < _NAMING:
                case.body[name] = chance.choice(rows.fields[name])


def requests_of(
    operation: Any, numbers: Mapping[GenerationMode, int], *, chance: Random, rows: Rows
) -> Iterator[Request]:
    """So many in each mode: that it allows for, that it doesn't, where there are any."""
    for mode, number in numbers.items():
        for case in cases_of(operation, mode, number=number, chance=chance, rows=rows):
            yield _request(operation, case)


def _request(operation: Any, case: Case) -> Request:
    declared = operation.definition.raw.get("security", [{}])
    sent = case.as_transport_kwargs(base_url="http://localhost")
    query = sent.get("params") or {}
    return Request(
        operation=operation.label,
        is_open={} in declared or not declared,
        method=sent["method"],
        url=f"{sent['url']}?{query}" if isinstance(query, str) else sent["url"],
        query={} if isinstance(query, str) else query,
        headers=_without_credentials(sent["headers"]),
        content=_content(sent),
        case=case,
    )


def _without_credentials(headers: Any) -> dict[str, str | bytes]:
    ours = ("authorization", "x-api-key", "cookie", "accept-encoding", "connection", "content-length")
    return {name: str(value) for name, value in headers.items() if name.lower() not in ours}


def _content(sent: dict[str, Any]) -> bytes:
    if "json" in sent:
        return json.dumps(sent["json"]).encode("utf-8", "surrogatepass")
    data = sent.get("data", b"")
    return data if isinstance(data, bytes) else json.dumps(data, default=str).encode("utf-8", "surrogatepass")
