"""The view of any endpoint that asks a model: it admits, routes and holds the call, then has it answered."""

from functools import partial
from typing import ClassVar

from django.conf import settings
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from gateway import endings, hold, max_cost, plain, records, routing, runtime, stream
from gateway.ask import Ask, printable
from gateway.callers import Caller
from gateway.endpoints.base import Endpoint
from gateway.exchange import Exchange
from gateway.limits import admission
from gateway.limits.headers import marked
from gateway.once import answering
from gateway.once.claim import Claim
from gateway.once.stored import Wanted
from gateway.routing import Candidate
from gateway.routing.power import at_level
from gateway.routing.strategies import Job, Look
from gateway.routing.wishes import NO_WISHES, Wishes
from gateway.runtime import Runtime
from gateway.snapshot import Snapshot
from gateway.views.base import InferenceView, caller_of
from opscenter.core.errors import ServiceError
from opscenter.core.idempotency import key_in


class EndpointView(InferenceView):
    """Each endpoint has a subclass, whose post() is answer() with what the schema says of it."""

    endpoint: ClassVar[Endpoint]

    async def answer(self, request: Request) -> HttpResponseBase:
        ask = self.endpoint.parse(request._request.body)
        wishes = self.wishes(request, ask)
        if (key := key_in(request)) is None:
            return await self._answered(request, ask, wishes)
        django_request = request._request
        wanted = Wanted(
            virtual_key_id=caller_of(request).key_id,
            key=key,
            path=request.path,
            body=django_request.body,
            request_id=django_request.request_id,  # type: ignore[attr-defined]
        )
        return await answering.answered(runtime.current(), wanted, partial(self._answered, request, ask, wishes))

    async def _answered(
        self, request: Request, ask: Ask, wishes: Wishes, claim: Claim | None = None
    ) -> HttpResponseBase:
        max_cost_nano = max_cost.take(ask.body, request.META.get(max_cost.HEADER))
        serving, caller = runtime.current(), caller_of(request)
        request_id = request._request.request_id  # type: ignore[attr-defined]
        tags = _tags(request, ask)
        try:
            snapshot = serving.snapshots.current()
            serving.breaker.heed(snapshot.catalog.down)
            caller = at_level(snapshot, caller, wishes.power_level)
            candidates = self.candidates(snapshot, caller, ask, wishes, serving.measured.seen)
        except ServiceError as error:
            serving.recorder.put(records.turned_away(request_id, caller, ask, tags, self.endpoint.name, error), [])
            raise
        exchange = Exchange(
            id=request_id,
            caller=caller,
            ask=ask,
            candidates=candidates,
            endpoint=self.endpoint,
            tags=tags,
            client_request_id=printable(request.META.get("HTTP_X_REQUEST_ID", ""))[:128],
            max_cost_nano=max_cost_nano,
            claim=claim,
        )
        _keep_within_max_cost(serving, exchange)
        async with admission.admitted(serving, exchange, snapshot.rates.tiers[caller.tier].limits):
            await hold.reserve(serving, exchange)
            await answering.confirm(serving, exchange)
        respond = stream.respond if ask.stream else plain.respond
        return await marked(exchange, respond(serving, exchange))

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


def _keep_within_max_cost(serving: Runtime, exchange: Exchange) -> None:
    try:
        max_cost.keep_within(exchange)
    except ServiceError as error:
        serving.recorder.put(*records.rows(exchange, endings.refused(exchange, error)))
        raise


def _tags(request: Request, ask: Ask) -> dict[str, str]:
    """Those of the body; a component that it doesn't name is the header's."""
    header = printable(request.META.get("HTTP_X_COMPONENT", ""))[:100]
    return {**ask.tags, "component": header} if header and not ask.tags.get("component") else ask.tags
