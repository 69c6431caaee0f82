"""The call that a request is, by its mode, and its answer."""

from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase

from gateway import plain, stream
from gateway.ask import Ask
from gateway.callers import Caller
from gateway.composed import responding
from gateway.composed.whole import Whole
from gateway.exchange import Exchange
from gateway.modes import composition
from gateway.modes.composition import Composition
from gateway.modes.names import AUTO, PASSTHROUGH
from gateway.modes.speaker import ComposedSpeaker
from gateway.routing import Candidate
from gateway.runtime import Runtime
from opscenter.core.errors import ServiceError

Find = Callable[[str], tuple[Candidate, ...]]
"""Who may answer for the caller by the name of a model. Raises ServiceError."""


def made(
    mode: str,
    find: Find,
    *,
    caller: Caller,
    ask: Ask,
    candidates: tuple[Candidate, ...],
    tags: dict[str, str],
    **known: Any,
) -> Exchange:
    """`known` are the other fields of an Exchange. Tags tell of a mode that was named, where nobody named another."""
    if mode == PASSTHROUGH:
        tags = {**tags, "component": tags.get("component") or caller.component or PASSTHROUGH}
        return Exchange(caller=caller, ask=ask, candidates=candidates, tags=tags, **known)
    plan = composition.planned(ask, candidates, _classifiers(find, candidates) if mode == AUTO else ())
    return Whole(
        plan=plan,
        speaks=ComposedSpeaker,
        caller=caller,
        ask=ask,
        candidates=plan.candidates,
        tags={**tags, "routing_path": tags.get("routing_path") or mode},
        **known,
    )


def answer(serving: Runtime, exchange: Exchange, mode: str | None) -> Coroutine[Any, Any, HttpResponseBase]:
    """To be awaited. Raises ServiceError."""
    if isinstance(exchange, Whole):
        play = Composition(exchange, is_open=mode == AUTO).play
        if exchange.ask.stream:
            return responding.respond_streaming(serving, exchange, play)
        return responding.respond(serving, exchange, play)
    return stream.respond(serving, exchange) if exchange.ask.stream else plain.respond(serving, exchange)


def _classifiers(find: Find, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Of the model that is set for it, or those of the answer where that isn't the caller's to use."""
    if not settings.ROUTING_CLASSIFIER_MODEL:
        return candidates
    try:
        return find(settings.ROUTING_CLASSIFIER_MODEL)
    except ServiceError:
        return candidates
