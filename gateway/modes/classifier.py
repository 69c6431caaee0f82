"""The call that chooses how a chat is answered, where its client left that to us."""

import logging
import re
from typing import Any

from django.conf import settings

from gateway.ask import Ask
from gateway.composed.calls import Calls
from gateway.composed.errors import BudgetExhausted
from gateway.composed.planned import Planned
from gateway.endpoints.chat_said import text_in
from gateway.errors import ClientLeft
from gateway.modes import prompts
from gateway.modes.names import PASSTHROUGH, REASONING
from gateway.routing import Candidate
from gateway.transports.base import Reply
from opscenter.core.errors import ServiceError

log = logging.getLogger(__name__)

_OUTPUT = 16
_CHOICES = re.compile(rf"\b({PASSTHROUGH}|{REASONING})\b", re.IGNORECASE)


def planned(candidates: tuple[Candidate, ...]) -> Planned:
    return Planned(candidates, input_bound=prompts.CLASSIFYING_BOUND, most=_OUTPUT, least=_OUTPUT)


async def chosen(calls: Calls, place: int, asked: Ask, tags: dict[str, str]) -> str:
    """How `asked` is answered: PASSTHROUGH where it can't decide or fails. Raises what leaves nothing to decide for."""
    try:
        reply = await calls.complete(place, _ask(asked), tags)
    except (ClientLeft, BudgetExhausted):
        raise
    except ServiceError as error:
        log.warning("nobody could classify a chat, which is passed through: %s", error)
        return PASSTHROUGH
    return _choice(reply)


def _choice(reply: Reply) -> str:
    said = {word.lower() for word in _CHOICES.findall(_text(reply))}
    return said.pop() if len(said) == 1 else PASSTHROUGH


def _text(reply: Reply) -> str:
    choices = reply.body.get("choices") or [{}]
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    return text_in(message) if isinstance(message, dict) else ""


def _ask(asked: Ask) -> Ask:
    body = {
        "messages": prompts.for_classifier(_last_asked(asked.body["messages"])),
        "temperature": settings.ROUTING_CLASSIFIER_TEMPERATURE,
    }
    return Ask(
        body=body,
        model=settings.ROUTING_CLASSIFIER_MODEL or asked.model,
        stream=False,
        include_usage=False,
        choices=1,
        max_tokens=_OUTPUT,
        input_bound=prompts.CLASSIFYING_BOUND,
        media=0,
    )


def _last_asked(messages: list[dict[str, Any]]) -> str:
    return next((text_in(message) for message in reversed(messages) if message.get("role") == "user"), "")
