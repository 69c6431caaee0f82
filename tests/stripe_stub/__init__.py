"""Stripe, as far as the SDK is asked to talk to it here: an HTTP server with an account's books behind it."""

from tests.stripe_stub.account import StripeAccount
from tests.stripe_stub.server import running_stripe
from tests.stripe_stub.signing import signature, signed

__all__ = ["StripeAccount", "running_stripe", "signature", "signed"]
