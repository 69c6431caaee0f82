"""The rows that say what can be called, where, by whom it is preferred and what it costs."""

from llmconfig.models.active_provider import ActiveProvider
from llmconfig.models.ai_server import AIServer
from llmconfig.models.deployment import Deployment
from llmconfig.models.health import HealthChange, HealthCheck, HealthRollup, ProviderHealth
from llmconfig.models.key_trial import KeyTrial
from llmconfig.models.llm_model import LLMModel
from llmconfig.models.permissions import Capability
from llmconfig.models.price import Price
from llmconfig.models.provider_key import ConsumerKey, ProviderKey
from llmconfig.models.proxy_state import ProxyState
from llmconfig.models.purpose import Purpose

__all__ = [
    "AIServer",
    "ActiveProvider",
    "Capability",
    "ConsumerKey",
    "Deployment",
    "HealthChange",
    "HealthCheck",
    "HealthRollup",
    "KeyTrial",
    "LLMModel",
    "Price",
    "ProviderHealth",
    "ProviderKey",
    "ProxyState",
    "Purpose",
]
