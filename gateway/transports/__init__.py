"""How a call leaves the gateway: the relay for upstreams that speak OpenAI's format, LiteLLM for everything else."""
