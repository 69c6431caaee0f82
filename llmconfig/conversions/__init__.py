"""What can be called, as others want it written down: LiteLLM's call parameters, WilmerRouter's endpoint documents.

Both are made of a Target, so that they say of a deployment what the gateway itself would do.
"""

from llmconfig.conversions.litellm import LiteLLMParams, litellm_params
from llmconfig.conversions.wilmer import Detour, NotConvertible, configured_detour, wilmer_endpoint

__all__ = ["Detour", "LiteLLMParams", "NotConvertible", "configured_detour", "litellm_params", "wilmer_endpoint"]
