"""POST /v1/responses: how it is asked, said and charged, over OpenAI's own API and over everybody else's chat."""
