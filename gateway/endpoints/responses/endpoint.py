"""OpenAI's responses as an endpoint: who can be asked for what is in a request, and in which way."""

from gateway.ask import Ask
from gateway.endpoints.base import Endpoint, Way
from gateway.endpoints.responses.native import NativeWay, is_native
from gateway.endpoints.responses.request import count_prompt, parse
from gateway.endpoints.responses.to_chat import to_chat
from gateway.endpoints.responses.translated import TranslatedWay
from gateway.errors import InvalidRequest
from gateway.routing import Candidate
from llmconfig.models import Purpose
from llmconfig.target import Target


class _Responses:
    name = "responses"
    purpose = Purpose.CHAT.value
    parse = staticmethod(parse)
    count_prompt = staticmethod(count_prompt)

    def __init__(self) -> None:
        self._native = NativeWay()
        self._translated = TranslatedWay()

    def way(self, target: Target) -> Way:
        return self._native if is_native(target) else self._translated


RESPONSES: Endpoint = _Responses()


def able(candidates: tuple[Candidate, ...], ask: Ask) -> tuple[Candidate, ...]:
    """Those of `candidates` that can be asked for all of it. Raises InvalidRequest (400) where none can."""
    native = tuple(candidate for candidate in candidates if is_native(candidate.target))
    if len(native) == len(candidates):
        return candidates
    try:
        to_chat(ask.body)
    except InvalidRequest:
        if not native:
            raise
        return native
    return candidates
