"""The LiteLLM proxy beside the gateway: what it should serve, how it is told, and whether it does."""
