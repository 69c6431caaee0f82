"""The REST API under /api/v1/llm-config/: views validate and call one service."""
