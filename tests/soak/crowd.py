"""The load of a soak: whole answers of every kind, failures, limits, and clients that hang up."""

import json
import threading
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple, Self
from uuid import uuid4

import httpx

from tests.e2e.world import WITHOUT_TLS, World
from tests.proofs.load import Kind, Load
from tests.upstream import Upstream

# What the upstream does at each, by the model's name here.
MODELS = {
    "quick": "fault:slow-first-byte:0.02",
    "stream": "fault:chunks:60:0.02",
    "cut": "fault:chunks:9+eof-mid-stream",
    "broken": "fault:status-500",
    "limited": "fault:status-429:1",
    "tools": "fault:tool-calls",
    "long": "fault:chunks:2000:0.02",
}
KINDS = (
    *(Kind("quick", False), Kind("stream", True), Kind("tools", False), Kind("quick", False), Kind("stream", True)),
    *(Kind("failover", True), Kind("via-litellm", False), Kind("via-litellm", True)),
    *(Kind("cut", True), Kind("broken", False), Kind("limited", False), Kind("unknown", False)),
)
_LEAVERS = 2
_TIMEOUT_S = 60
_CHAT = {"model": "quick", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 50}
_TEXT = {"model": "quick", "input": "Hello", "max_output_tokens": 50}


class _Other(NamedTuple):
    path: str
    body: dict[str, Any]
    headers: dict[str, str] | None = None
    is_once: bool = False

    @property
    def name(self) -> str:
        said = ", ".join((self.headers or {}).values()) or ("once" if self.is_once else "")
        return f"{self.path} ({said})" if said else self.path


_OTHERS = (
    _Other("/v1/embeddings", {"model": "vectors", "input": ["one", "two"]}),
    _Other("/v1/rerank", {"model": "ranks", "query": "one", "documents": ["one", "two"]}),
    _Other("/v1/messages", _CHAT),
    _Other("/v1/responses", _TEXT),
    _Other("/v1/chat/completions", _CHAT, {"X-Routing-Mode": "reasoning"}),
    _Other("/v1/chat/completions", _CHAT | {"stream": True}, {"X-Routing-Mode": "auto"}),
    _Other("/v1/chat/completions", _CHAT, is_once=True),
)


def offer(world: World, upstream: Upstream) -> None:
    """The models that the crowd asks for."""
    body = {"name": "upstream", "server_type": "openai-compatible", "base_url": upstream.base_url}
    purposes = dict.fromkeys(("use_for_chat", "use_for_embeddings", "use_for_reranking"), True)
    server = world.manage("POST", "servers", body | purposes)["id"]
    for name, model in MODELS.items():
        world.offer(name, [{"server": server, "model": model}])
    world.offer("via-litellm", [{"server": server, "model": MODELS["stream"], "transport": "litellm"}])
    broken = {"server": server, "model": MODELS["broken"], "priority": 0}
    world.offer("failover", [broken, {"server": server, "model": MODELS["stream"], "priority": 1}])
    for name, purpose in (("vectors", "embeddings"), ("ranks", "reranking")):
        at = {"provider_type": "ai_server", "provider_id": server, "upstream_model": name, "priority": 0, "weight": 1}
        price = {"input_price": "2", "output_price": "0"}
        world.manage("POST", "models", {"name": name, "purpose": purpose, "deployments": [at], **price})
    world.wait_for_all_workers(*MODELS, "failover", "via-litellm")


class Crowd:
    """A context manager: from its beginning to its end they call. `seen` counts answers by what came."""

    def __init__(self, world: World, *, clients: int) -> None:
        self._world = world
        self._load = Load(world.live.url, world.key, KINDS, clients, pause_s=0.02, move=True)
        self._stopping = threading.Event()
        self._others: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._leave) for _ in range(_LEAVERS)]
        self._threads.append(threading.Thread(target=self._ask_others))

    def __enter__(self) -> Self:
        self._load.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)
        self._load.stop()

    @property
    def seen(self) -> Counter[str]:
        told = Counter(_outcome(told.status, whole=told.whole, error=told.error) for told in self._load.told)
        return told + self._others

    def _leave(self) -> None:
        """Hang up in mid-stream, again and again."""
        body = _CHAT | {"model": "long", "stream": True, "max_tokens": 3000}
        while not self._stopping.wait(0.2):
            with suppress(httpx.HTTPError), self._client() as http, _stream(http, body) as answer:
                for number, _ in enumerate(answer.iter_lines()):
                    if number > 20:
                        self._others["clients that hung up"] += 1
                        break

    def _ask_others(self) -> None:
        while not self._stopping.wait(0.1):
            for other in _OTHERS:
                with suppress(httpx.HTTPError), self._client() as http:
                    self._ask(http, other)

    def _ask(self, http: httpx.Client, other: _Other) -> None:
        """What is called once is asked for twice."""
        again = {"Idempotency-Key": uuid4().hex} if other.is_once else {}
        for _ in range(2 if other.is_once else 1):
            answer = http.post(other.path, json=other.body, headers=(other.headers or {}) | again)
            self._others[f"{other.name} {answer.status_code}"] += 1

    def _client(self) -> httpx.Client:
        headers = self._world.bearer()
        return httpx.Client(base_url=self._world.live.url, headers=headers, timeout=_TIMEOUT_S, verify=WITHOUT_TLS)


def _stream(http: httpx.Client, body: dict[str, Any]) -> Any:
    return http.stream("POST", "/v1/chat/completions", content=json.dumps(body))


def _outcome(status: int, *, whole: bool, error: str) -> str:
    if whole:
        return "whole answers"
    if status == 200:
        return f"streams with an error event ({error})" if error else "streams cut off"
    return f"refused with {status} {error}" if status else "connections that failed"
