"""Admin pages of what can be called, where, and at what price."""

from llmconfig.admin import (  # noqa: F401 - each registers its pages
    active_providers,
    ai_servers,
    consumer_keys,
    deployments,
    health,
    models,
    prices,
    provider_keys,
    proxy_state,
)
