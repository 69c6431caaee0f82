"""A shop with a Stripe of its own. Alice buys; Bob doesn't."""

from collections.abc import Iterator
from secrets import token_hex
from typing import Any

import pytest

from credits.models import Account, Package
from tests.credits.conftest import alice, bob, give  # noqa: F401 - fixtures
from tests.stripe.shop import Shop, a_package
from tests.stripe_stub import running_stripe
from tests.stripe_stub.server import RunningStripe


@pytest.fixture
def stripe(settings: Any) -> Iterator[RunningStripe]:
    with running_stripe() as stripe:
        settings.STRIPE_SECRET_KEY = stripe.secret_key
        settings.STRIPE_WEBHOOK_SECRET = f"whsec_{token_hex(24)}"
        settings.STRIPE_LIVEMODE = False
        settings.STRIPE_API_BASE = stripe.url
        settings.STRIPE_RETRIES = 0
        settings.PUBLIC_URL = "https://ops.example"
        yield stripe


@pytest.fixture
def package(db: None) -> Package:
    return a_package()


@pytest.fixture
def shop(stripe: RunningStripe, settings: Any, alice: Account, package: Package) -> Shop:  # noqa: F811 - a fixture
    return Shop(stripe, settings.STRIPE_WEBHOOK_SECRET, alice, package)
