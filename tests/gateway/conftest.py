"""Alice operates through the REST API; `serving` is this process's gateway, called without a socket."""

from collections.abc import Iterator

import pytest

from tests.gateway.in_process import InProcess
from tests.gateway.people import person
from tests.llmconfig.api import Api
from tests.replayed import replayed


@pytest.fixture
def alice(db: None) -> Api:
    return Api(replayed("alice with a wallet", lambda: person("alice", "LLM admin")))


@pytest.fixture
def serving(transactional_db: None) -> Iterator[InProcess]:
    with InProcess() as gateway:
        yield gateway
