"""One upstream behind models of all purposes, the chat ones over both transports; the key is Bob's."""

import pytest
from pytest_django.fixtures import Settings

from tests.gateway.in_process import InProcess
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.replayed import replayed
from tests.upstream import Upstream

CHATS = ("relayed", "converted")
# Upstream models that misbehave, by the names of ours.
BROKEN = {
    "limited": "fault:status-429:30",
    "rejecting": "fault:status-400",
    "failing": "fault:garbage-json",
    "slow": "fault:slow-first-byte:30",
    "cut": "fault:chunks:9:0.02+error-event:5",
}


@pytest.fixture
def key(alice: Api, serving: InProcess, upstream: Upstream, settings: Settings) -> str:
    settings.BREAKER_FAILURES = 1_000_000
    settings.UPSTREAM_RETRIES = 0

    def make() -> str:
        uses = {"use_for_embeddings": True, "use_for_reranking": True}
        server = alice.server(base_url=upstream.origin, **uses)
        priced = {"input_price": "2", "output_price": "2", "max_output_tokens": 4000}
        alice.model(on_server(server, "test-model"), name="relayed", **priced)
        alice.model(on_server(server, "test-model", transport="litellm"), name="converted", **priced)
        for name, upstream_model in BROKEN.items():
            alice.model(on_server(server, upstream_model), name=name, **priced)
        alice.model(on_server(server, "embedder"), name="embedder", purpose="embeddings", input_price="2")
        alice.model(on_server(server, "ranker"), name="ranker", purpose="reranking", input_price="0", search_price="2")
        return key_of(person("bob", "LLM user", credits_nano=10**15)).plaintext

    plaintext = replayed(__name__, make)
    serving.sees_changes()
    return plaintext
