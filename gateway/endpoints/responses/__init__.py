"""POST /v1/responses: OpenAI's responses, passed on to its API as they are and asked of others as chat."""
