"""OpenAI's responses as an endpoint: who can be asked for what is in a request, and in which way."""

from gateway.ask import Ask
from gateway.endpoints.as_chat import AsChat
from gateway.endpoints.base import Endpoint, NativeOrChat
from gateway.endpoints.responses.native import NativeWay, is_native
from gateway.endpoints.responses.request import count_prompt, parse
from gateway.endpoints.responses.to_chat import to_chat
from gateway.endpoints.responses.translated import TranslatedSpeaker
from gateway.errors import InvalidRequest
from gateway.routing import Candidate
from llmconfig.models import Purpose

RESPONSES: Endpoint = NativeOrChat(
    "responses", Purpose.CHAT.value, parse, count_prompt, is_native, NativeWay(), AsChat(to_chat, TranslatedSpeaker)
)


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
