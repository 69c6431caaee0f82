"""The whole path of each purpose, walked without a consumer: who is active, how others would call it, how it is.

What `check_providers` prints. Checks are made now and counted as an operator's own tests; nothing is charged.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from asgiref.sync import async_to_sync

from gateway.transports.base import Call, Reply, Transport
from gateway.transports.errors import UpstreamError
from gateway.transports.formats.chat import CHAT
from gateway.transports.litellm import LiteLLM
from gateway.transports.relay import Relay
from llmconfig import snapshot
from llmconfig.conversions import NotConvertible, configured_detour, litellm_params, wilmer_endpoint
from llmconfig.errors import NoActiveProvider
from llmconfig.models import ActiveProvider, AIServer, ProviderKey, Purpose
from llmconfig.services import active as active_services
from llmconfig.services import pointers, provider_keys, servers
from llmconfig.services.probe import Probe
from llmconfig.snapshot import Active, Target
from opscenter.core.errors import ServiceError

_HELLO = [{"role": "user", "content": "Say hello."}]
_MOST_TOKENS = 16
_NOBODY = Active((), (), "", "")


class Outcome(Enum):
    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the report."""

    outcome: Outcome
    purpose: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.outcome.value:<7} {self.purpose}: {self.name}: {self.text}"


Said = tuple[Outcome, str]


def passed(text: str) -> Said:
    return Outcome.PASSED, text


def failed(text: str) -> Said:
    return Outcome.FAILED, text


def skipped(text: str) -> Said:
    return Outcome.SKIPPED, text


def rehearse(*, purposes: list[str], inference: bool, timeout_s: float) -> Iterator[Step]:
    """Step by step, as each is done. A purpose that nobody is active for fails where it is chat, else it is skipped."""
    catalog = snapshot.load()
    for purpose in purposes:
        walk = _Walk(purpose, catalog.actives.get(purpose, _NOBODY), timeout_s)
        for name, take in walk.steps(inference=inference):
            outcome, text = take()
            yield Step(outcome, purpose, name, text)
            if name == "active provider" and outcome is not Outcome.PASSED:
                break


class _Walk:
    """The steps of one purpose, each to be taken when its turn comes."""

    def __init__(self, purpose: str, active: Active, timeout_s: float) -> None:
        self._purpose = purpose
        self._active = active
        self._timeout_s = timeout_s

    def steps(self, *, inference: bool) -> Iterator[tuple[str, Callable[[], Said]]]:
        yield "active provider", self._active_provider
        yield "LiteLLM config", self._litellm
        yield "WilmerRouter config", self._wilmer
        yield "health", lambda: self._health("primary")
        yield "fallback", lambda: self._health("fallback")
        if inference:
            yield "inference", self._inference

    def _row(self) -> ActiveProvider:
        return active_services.get(purpose=self._purpose)

    def _active_provider(self) -> Said:
        try:
            row = self._row()
            active_services.validate(row)
        except NoActiveProvider as error:
            return failed(error.message) if self._purpose == Purpose.CHAT else skipped(error.message)
        except ServiceError as error:
            return failed(error.message)
        if not self._active.primary:
            return failed(f"{row.primary} can't be called: look at the front page's warnings.")
        return passed(f"{row.primary}, model {self._active.default_model}")

    def _litellm(self) -> Said:
        params = litellm_params(self._target)
        where = params.api_base or "where LiteLLM has the provider"
        return passed(f"{params.model} at {where}")

    def _wilmer(self) -> Said:
        try:
            document = wilmer_endpoint(self._target, detour=configured_detour())
        except NotConvertible as error:
            return skipped(str(error))
        return passed(f"{document['apiTypeConfigFileName']} at {document['endpoint']}")

    def _health(self, slot: str) -> Said:
        row = self._row()
        provider = row.primary if slot == "primary" else row.fallback
        if provider is None:
            return skipped("none is set: while the primary is away, calls fail.")
        if slot == "fallback" and not self._active.fallback:
            return failed(f"{provider} can't be called: look at the front page's warnings.")
        found = _test(provider)
        took = f" ({found.latency_ms} ms)" if found.latency_ms is not None else ""
        text = f"{pointers.label(provider)} is {found.status}{took}: {found.message}"
        return failed(text) if found.status == AIServer.Health.UNHEALTHY else passed(text)

    def _inference(self) -> Said:
        if self._purpose != Purpose.CHAT:
            return skipped("only chat completions are tried.")
        target = self._target
        try:
            reply = async_to_sync(_complete)(target, self._timeout_s)
        except UpstreamError as error:
            return failed(f"{target.upstream_model} on {target.provider_label}: {error.message}")
        usage = reply.body.get("usage") or {}
        return passed(f"{target.upstream_model} answered; tokens: {usage.get('total_tokens', 'not told')}")

    @property
    def _target(self) -> Target:
        return self._active.primary[0]


def _test(provider: AIServer | ProviderKey) -> Probe:
    if isinstance(provider, AIServer):
        return servers.test_connection(server=provider)
    return provider_keys.test_key(key=provider)


async def _complete(target: Target, timeout_s: float) -> Reply:
    transport: Transport = Relay() if target.transport == "relay" else LiteLLM()
    body = {"model": target.upstream_model, "messages": _HELLO, target.max_tokens_param: _MOST_TOKENS}
    deadline = asyncio.get_running_loop().time() + timeout_s
    call = Call(target=target, body=body, deadline=deadline, idle_timeout_s=timeout_s, format=CHAT)
    try:
        return await transport.complete(call)
    finally:
        await transport.aclose()
