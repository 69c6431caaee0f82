"""The personas: Alice operates, Bob uses, Charlie may do nothing."""

import pytest
from django.contrib.auth.models import Group

from opscenter.core.models import User
from tests.llmconfig.api import Api
from tests.llmconfig.starting import environment, filled_catalog  # noqa: F401 - fixtures
from tests.replayed import replayed


def _person(name: str, *groups: str) -> User:
    user = User.objects.create_user(name)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


@pytest.fixture
def alice(db: None) -> Api:
    return Api(replayed("alice", lambda: _person("alice", "LLM admin")))


@pytest.fixture
def bob(db: None) -> Api:
    return Api(replayed("bob", lambda: _person("bob", "LLM user")))


@pytest.fixture
def charlie(db: None) -> Api:
    return Api(_person("charlie"))


@pytest.fixture
def nobody(db: None) -> Api:
    return Api()
