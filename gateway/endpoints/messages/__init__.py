"""POST /v1/messages: Anthropic's messages, passed on to its API as they are and asked of others as chat."""
