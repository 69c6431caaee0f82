"""POST /v1/embeddings: OpenAI's embeddings."""

import base64
import json
import sys
from array import array
from typing import Any

from gateway.ask import Ask, model_in, take_tags
from gateway.counting import count_tokens
from gateway.endpoints.base import Endpoint, OneWay
from gateway.errors import InvalidRequest
from gateway.exchange import Exchange
from gateway.renaming import Renaming
from gateway.request_json import json_object
from gateway.transports.base import Body, Reply
from gateway.transports.formats.embeddings import EMBEDDINGS as FORMAT
from gateway.unpriced import refuse_unpriced
from llmconfig.models import Purpose
from llmconfig.target import Target

_INPUT_ALLOWANCE = 16
_WANTED = "`input` must be a text, a list of texts, a list of tokens or a list of lists of tokens, and not empty."


def parse(raw: bytes) -> Ask:
    """Read an embeddings body. Raises InvalidRequest (400), which names the parameter."""
    body = json_object(raw)
    inputs = body.get("input")
    if not _is_input(inputs):
        raise InvalidRequest(_WANTED, param="input")
    refuse_unpriced(body)
    return Ask(
        body=body,
        model=model_in(body),
        stream=False,
        include_usage=False,
        choices=0,
        max_tokens=None,
        # A token is at least one byte of text, or one number with what is around it.
        input_bound=len(raw) + _INPUT_ALLOWANCE * (len(inputs) if isinstance(inputs, list) else 1),
        media=0,
        tags=take_tags(body),
    )


def _is_input(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value)
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(one, str) for one in value) or _is_tokens(value) or all(map(_is_tokens, value))


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(token) is int for token in value)


class EmbeddingsWay:
    """LiteLLM's providers are asked for numbers, whatever the client wants, since not all of them know base64."""

    format = FORMAT

    def transport(self, target: Target) -> str:
        return target.transport

    def body(self, ask: Ask, target: Target, *, output_tokens: int) -> Body:
        body = {**ask.body, "model": target.upstream_model}
        if target.transport == "litellm":
            body.pop("encoding_format", None)
        return body

    def speaker(self, exchange: Exchange) -> "EmbeddingsSpeaker":
        return EmbeddingsSpeaker(exchange)


class EmbeddingsSpeaker:
    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def plain(self, reply: Reply) -> bytes:
        public = self._exchange.answering.candidate.target.model_name
        if reply.raw is not None:
            renamed = Renaming(public).within(reply.raw, reply.model)
            return renamed or _encoded(json.loads(reply.raw), public)
        if self._exchange.ask.body.get("encoding_format") == "base64":
            for item in reply.body["data"]:
                item["embedding"] = _in_base64(item["embedding"])
        return _encoded(reply.body, public)


def _encoded(body: Body, public: str) -> bytes:
    return json.dumps({**body, "model": public}, separators=(",", ":")).encode()


def _in_base64(vector: Any) -> Any:
    """As OpenAI has it: 32-bit floats, the lowest byte first."""
    if not isinstance(vector, list):
        return vector
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return base64.b64encode(floats.tobytes()).decode()


def count_prompt(body: Body) -> int:
    inputs = body["input"]
    if isinstance(inputs, str):
        return count_tokens(inputs)
    return sum(
        count_tokens(one) if isinstance(one, str) else len(one) if isinstance(one, list) else 1 for one in inputs
    )


EMBEDDINGS: Endpoint = OneWay("embeddings", Purpose.EMBEDDINGS.value, parse, count_prompt, EmbeddingsWay())
