"""Anthropic's messages as an endpoint: who can be asked for what is in a request, and in which way."""

from gateway.ask import Ask
from gateway.endpoints.as_chat import AsChat
from gateway.endpoints.base import Endpoint, NativeOrChat
from gateway.endpoints.messages.native import NativeWay, is_native
from gateway.endpoints.messages.request import count_prompt, parse
from gateway.endpoints.messages.to_chat import to_chat
from gateway.endpoints.messages.translated import TranslatedSpeaker
from gateway.errors import InvalidRequest
from gateway.routing import Candidate
from llmconfig.models import Purpose

MESSAGES: Endpoint = NativeOrChat(
    "messages", Purpose.CHAT.value, parse, count_prompt, is_native, NativeWay(), AsChat(to_chat, TranslatedSpeaker)
)


def able(candidates: tuple[Candidate, ...], ask: Ask) -> tuple[Candidate, ...]:
    """Those of `candidates` that can be asked for all of it. Raises InvalidRequest (400) where none can."""
    refusals: list[InvalidRequest] = []
    native = tuple(candidate for candidate in candidates if is_native(candidate.target))
    left = tuple(candidate for candidate in native if _leaves_room(candidate, ask, refusals))
    if len(native) < len(candidates):
        try:
            to_chat(ask.body)
            left = tuple(candidate for candidate in candidates if candidate not in native or candidate in left)
        except InvalidRequest as refusal:
            refusals.append(refusal)
    if not left:
        raise refusals[0]
    return left


def _leaves_room(candidate: Candidate, ask: Ask, refusals: list[InvalidRequest]) -> bool:
    """Whether thoughts as long as they are wanted leave anything for the answer."""
    budget = (ask.body.get("thinking") or {}).get("budget_tokens")
    if not isinstance(budget, int) or budget < candidate.output_cap:
        return True
    refusals.append(
        InvalidRequest(
            f"`thinking.budget_tokens` must be less than {candidate.output_cap}, the most that this model may answer "
            "with by your key.",
            param="thinking.budget_tokens",
        )
    )
    return False
