"""The view of any endpoint that asks a model: it admits, routes and holds the call, then has it answered."""

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from gateway import max_cost, opening, records, routing, runtime
from gateway.ask import Ask, printable
from gateway.callers import Caller
from gateway.endpoints.base import Endpoint
from gateway.exchange import Exchange
from gateway.limits.headers import marked
from gateway.modes import made as modes
from gateway.modes.names import HEADER as MODE_HEADER
from gateway.modes.names import PASSTHROUGH, mode_in
from gateway.once import answering
from gateway.once.claim import Claim
from gateway.once.stored import Wanted
from gateway.routing import Candidate
from gateway.routing.power import at_level
from gateway.routing.strategies import Job, Look
from gateway.routing.wishes import NO_WISHES, POWER_HEADER, Wishes
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot
from gateway.views.base import InferenceView, caller_of
from opscenter.core.errors import ServiceError
from opscenter.core.idempotency import key_in

_CHOOSING = (MODE_HEADER, POWER_HEADER)


class EndpointView(InferenceView):
    """Each endpoint has a subclass, whose post() is answer() with what the schema says of it."""

    endpoint: ClassVar[Endpoint]
    modes: ClassVar[Sequence[str]] = (PASSTHROUGH,)

    async def answer(self, request: Request) -> HttpResponseBase:
        ask = self.endpoint.parse(request._request.body)
        wishes, mode = self.wishes(request, ask), self.mode(request, ask)
        if (key := key_in(request)) is None:
            return await self._answered(request, ask, wishes, mode)
        django_request = request._request
        wanted = Wanted(
            virtual_key_id=caller_of(request).key_id,
            key=key,
            path=_asked_of(request),
            body=django_request.body,
            request_id=django_request.request_id,  # type: ignore[attr-defined]
        )
        return await answering.answered(runtime.current(), wanted, partial(self._answered, request, ask, wishes, mode))

    async def _answered(
        self, request: Request, ask: Ask, wishes: Wishes, mode: str | None, claim: Claim | None = None
    ) -> HttpResponseBase:
        max_cost_nano = max_cost.take(ask.body, request.META.get(max_cost.HEADER))
        serving, caller = runtime.current(), caller_of(request)
        request_id = request._request.request_id  # type: ignore[attr-defined]
        tags = _tags(request, ask)
        try:
            snapshot = serving.snapshots.current()
            serving.breaker.heed(snapshot.catalog.down)
            caller = at_level(snapshot, caller, wishes.power_level)
            exchange = self.exchange(
                serving,
                caller,
                ask,
                wishes,
                mode,
                id=request_id,
                tags=tags,
                client_request_id=printable(request.META.get("HTTP_X_REQUEST_ID", ""))[:128],
                max_cost_nano=max_cost_nano,
                claim=claim,
            )
        except ServiceError as error:
            refused = records.turned_away(request_id, caller, ask, tags, self.endpoint.name, error)
            serving.recorder.put_refused(refused)
            raise
        await opening.opened(serving, exchange, snapshot.rates.tiers[caller.tier].limits)
        return await marked(exchange, self.respond(serving, exchange, mode))

    def exchange(
        self, serving: Runtime, caller: Caller, ask: Ask, wishes: Wishes, mode: str | None, **known: Any
    ) -> Exchange:
        """The call that is asked for; `known` are the other fields of an Exchange. Raises what leaves no candidate."""
        snapshot, look = serving.snapshots.current(), serving.measured.seen
        found = self.candidates(snapshot, caller, ask, wishes, look)
        if mode is None:
            return Exchange(caller=caller, ask=ask, candidates=found, endpoint=self.endpoint, **known)

        def find(model: str) -> tuple[Candidate, ...]:
            return self.candidates(snapshot, caller, replace(ask, model=model), wishes, look)

        return modes.made(mode, find, caller=caller, ask=ask, candidates=found, endpoint=self.endpoint, **known)

    def respond(self, serving: Runtime, exchange: Exchange, mode: str | None) -> Coroutine[Any, Any, HttpResponseBase]:
        """The answer to what exchange() made, once it is held for. To be awaited. Raises ServiceError."""
        return modes.answer(serving, exchange, mode)

    def candidates(
        self, snapshot: Snapshot, caller: Caller, ask: Ask, wishes: Wishes, look: Look
    ) -> tuple[Candidate, ...]:
        """Whom the call goes to, first choice first."""
        found = routing.candidates(
            snapshot,
            caller,
            model=ask.model,
            purpose=self.endpoint.purpose,
            credits_per_usd=settings.CREDITS_PER_USD,
            wishes=wishes,
            look=look,
            job=Job.of(ask),
        )
        return self.able(found, ask)

    def able(self, candidates: tuple[Candidate, ...], ask: Ask) -> tuple[Candidate, ...]:
        """Those that can be asked what `ask` asks. Raises InvalidRequest (400) where none can."""
        return candidates

    def wishes(self, request: Request, ask: Ask) -> Wishes:
        """What the call asks of routing itself. Raises InvalidRequest (400)."""
        return NO_WISHES

    def mode(self, request: Request, ask: Ask) -> str | None:
        """Raises InvalidRequest (400)."""
        return mode_in(request.META.get(MODE_HEADER), self.modes, ask)


def _asked_of(request: Request) -> str:
    """The path, with the headers that choose who answers: with another one it is another call."""
    said = (f"{name}: {value}" for name in _CHOOSING if (value := request.META.get(name)))
    return "\n".join((request.path, *said))


def _tags(request: Request, ask: Ask) -> dict[str, str]:
    """Those of the body; a component that it doesn't name is the header's."""
    header = printable(request.META.get("HTTP_X_COMPONENT", ""))[:100]
    return {**ask.tags, "component": header} if header and not ask.tags.get("component") else ask.tags
