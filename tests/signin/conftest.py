"""Root is staff; Charlie consumes. Passwords are hashed cheaply, or a lockout would take minutes to reach."""

from typing import Any

import pytest

from opscenter.core.models import User
from tests.signin.browser import PASSWORD


@pytest.fixture(autouse=True)
def cheap_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie", password=PASSWORD)
