"""The personas: Root may do everything, Alice is an LLM admin, Bob is plain staff, Charlie consumes."""

from collections.abc import Iterator

import pytest
from celery import current_app
from django.contrib.auth.models import Group

from opscenter.core.models import User
from tests.admin.site import Site, World, make_world
from tests.llmconfig.starting import filled_catalog  # noqa: F401 - a fixture
from tests.replayed import replayed


def _alice() -> User:
    user = User.objects.create_user("alice", password="alice-has-a-password", is_staff=True)
    user.groups.add(Group.objects.get(name="LLM admin"))
    return user


@pytest.fixture
def root_user(db: None) -> User:
    return replayed("root", lambda: User.objects.create_superuser("root", password="root-has-a-password"))


@pytest.fixture
def alice_user(db: None) -> User:
    return replayed("alice of the staff", _alice)


@pytest.fixture
def bob_user(db: None) -> User:
    return replayed("bob of the staff", lambda: User.objects.create_user("bob", is_staff=True))


@pytest.fixture
def charlie_user(db: None) -> User:
    return replayed("charlie", lambda: User.objects.create_user("charlie", password="charlie-has-a-password"))


@pytest.fixture
def world(charlie_user: User) -> World:
    return replayed("world", lambda: make_world(charlie_user))


@pytest.fixture
def root(root_user: User) -> Site:
    return Site(root_user)


@pytest.fixture
def alice(alice_user: User) -> Site:
    return Site(alice_user)


@pytest.fixture
def bob(bob_user: User) -> Site:
    return Site(bob_user)


@pytest.fixture
def charlie(charlie_user: User) -> Site:
    return Site(charlie_user)


@pytest.fixture
def eager_tasks() -> Iterator[None]:
    """Tasks run where they are asked for: this process is the worker, and knows them all as a worker does."""
    current_app.loader.import_default_modules()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "task_always_eager", True)
        yield
