"""Bob, who may have keys, and asks for them."""

import pytest

from opscenter.core.models import User
from tests.gateway.people import person
from tests.llmconfig.api import Api


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", "LLM user")


@pytest.fixture
def api(bob: User) -> Api:
    return Api(bob)
