"""LiteLLM in-process, for providers that need translation. The only package that imports `litellm`.

LiteLLM makes the request and translates the answer. What it must not do is watched from below it, at the bytes: which
address is connected to, what an HTTP status means, whether an answer is whole, what usage the provider reported.
"""

from gateway.transports.litellm.engine import load
from gateway.transports.litellm.transport import LiteLLM

__all__ = ["LiteLLM", "load"]
