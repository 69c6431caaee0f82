"""Root is staff; Charlie consumes."""

import pytest

from opscenter.core.models import User
from tests.signin.browser import PASSWORD


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie", password=PASSWORD)
