"""The general engine: every provider that LiteLLM knows, translated to OpenAI's format and back."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.transports.base import Body, Call, Reply, UpstreamStream
from gateway.transports.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.transports.litellm import engine
from gateway.transports.litellm.arguments import arguments
from gateway.transports.litellm.exceptions import meaning
from gateway.transports.litellm.http import Work, current_work
from gateway.transports.litellm.observed import Observed
from gateway.transports.litellm.stream import LiteLLMStream
from gateway.transports.wire import Sessions, answer_by
from opscenter.core.outbound import OutboundRefused

_FUNCTIONS = {"chat/completions": "acompletion", "embeddings": "aembedding", "rerank": "arerank"}
# Their SDKs open connections of their own, which the outbound guard can't see.
_UNGUARDED = frozenset({"aiohttp_openai", "petals", "sagemaker", "sagemaker_chat", "sagemaker_nova", "sap", "vllm"})


class LiteLLM:
    """A Transport. It belongs to the event loop that it was first used in."""

    def __init__(self) -> None:
        self._sessions = Sessions()

    async def complete(self, call: Call) -> Reply:
        observed = Observed(call)
        try:
            response = await self._open(call, observed)
        except UpstreamError as error:
            return _as_received(observed, error)
        return _translated(response.model_dump(exclude_none=True, warnings=False), observed)

    async def stream(self, call: Call) -> UpstreamStream:
        observed = Observed(call)
        with self._at_work(observed):
            wrapper = await self._open(call, observed)
            return LiteLLMStream(wrapper, observed)

    async def aclose(self) -> None:
        await self._sessions.aclose()

    @contextmanager
    def _at_work(self, observed: Observed) -> Iterator[None]:
        try:
            work = Work(observed, self._sessions)
        except OutboundRefused as error:
            raise UpstreamUnreachable from error
        token = current_work.set(work)
        try:
            yield
        finally:
            current_work.reset(token)

    async def _open(self, call: Call, observed: Observed) -> Any:
        if call.target.litellm_provider in _UNGUARDED:
            raise UpstreamUnreachable("This provider can't be called from here.")
        litellm = engine.loaded() or await asyncio.to_thread(engine.load)
        try:
            with self._at_work(observed):
                async with asyncio.timeout_at(answer_by(call)):
                    answer = await getattr(litellm, _FUNCTIONS[call.format.path])(**arguments(call))
                    if call.body.get("stream") and answer.completion_stream is None:
                        await answer.fetch_stream()
                    return answer
        except Exception as error:  # noqa: BLE001 - LiteLLM raises whatever its many providers' code raises
            raise (observed.failure or meaning(error)) from None


def _translated(body: Body, observed: Observed) -> Reply:
    """LiteLLM's answer, with the usage that the provider reported: where it reported none, LiteLLM's is invented."""
    received = observed.reply_as_asked
    usage = body.get("usage") if observed.reported_usage else None
    if received is not None:
        usage = received.get("usage")
    body["usage"] = usage
    if not observed.reported_usage:
        body.pop("meta", None)
    for choice in body.get("choices", ()):
        choice.get("message", {}).setdefault("content", None)
    return Reply(body, None)


def _as_received(observed: Observed, error: UpstreamError) -> Reply:
    """LiteLLM stumbles over answers that only have a wrong detail; in the format asked in they need no translation."""
    if observed.failure is not None or not observed.has_reply or isinstance(error, UpstreamTimeout):
        raise error
    received = observed.reply_as_asked
    if received is None:
        raise UpstreamBroken
    return Reply(received, None)
