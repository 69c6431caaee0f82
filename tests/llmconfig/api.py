"""The configuration API, called as one of the personas."""

import json
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from django.test import Client

from opscenter.core.models import User

OPENAI_SECRET = f"{token_hex(12)}5d80"
SERVER_SECRET = f"{token_hex(12)}77aa"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    body: Any
    etag: str = ""

    @property
    def message(self) -> str:
        return str(self.body["error"]["message"])

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])


class Api:
    """`Api(alice).post("servers", {...})`; paths are relative to /api/v1/llm-config/ unless they begin with a slash."""

    def __init__(self, user: User | None = None) -> None:
        self._client = Client()
        if user is not None:
            self._client.force_login(user)

    def call(self, method: str, path: str, body: Any = None, *, if_match: str | None = None) -> Answer:
        response = self._client.generic(
            method,
            path if path.startswith("/") else f"/api/v1/llm-config/{path}",
            data="" if body is None else json.dumps(body),
            content_type="application/json",
            headers={} if if_match is None else {"If-Match": if_match},
        )
        text = response.content.decode()
        return Answer(response.status_code, text, response.json() if text else None, response.get("ETag", ""))

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: Any = None, *, if_match: str | None = None) -> Answer:
        return self.call("POST", path, {} if body is None else body, if_match=if_match)

    def put(self, path: str, body: Any, *, if_match: str | None = None) -> Answer:
        return self.call("PUT", path, body, if_match=if_match)

    def patch(self, path: str, body: Any, *, if_match: str | None = None) -> Answer:
        return self.call("PATCH", path, body, if_match=if_match)

    def delete(self, path: str, *, if_match: str | None = None) -> Answer:
        return self.call("DELETE", path, if_match=if_match)

    def server(self, **fields: Any) -> Any:
        """A new AI server, as the API answers it."""
        body = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000", **fields}
        return _made(self.post("servers", body))

    def key(self, **fields: Any) -> Any:
        """A new provider key, as the API answers it."""
        body = {"provider": "openai", "key_name": "main", "api_key": OPENAI_SECRET, **fields}
        return _made(self.post("api-keys", body))

    def model(self, *deployments: dict[str, Any], **fields: Any) -> Any:
        """A new model, as the API answers it; without a price unless `input_price` is given."""
        return _made(self.post("models", {"name": "m1", "deployments": list(deployments), **fields}))


def on_server(server: Any, upstream_model: str = "x", **fields: Any) -> dict[str, Any]:
    """A deployment of a model on an AI server."""
    return _pointer("ai_server", server) | {"upstream_model": upstream_model, **fields}


def on_key(key: Any, upstream_model: str = "gpt-x", **fields: Any) -> dict[str, Any]:
    """A deployment of a model on a provider key."""
    return _pointer("api_key", key) | {"upstream_model": upstream_model, **fields}


def chat_on(kind: str, provider: Any, model: str = "", **fields: Any) -> dict[str, Any]:
    """What makes a provider the active one for chat."""
    return {"purpose": "chat", **_pointer(kind, provider), "default_model": model, **fields}


def _pointer(kind: str, provider: Any) -> dict[str, Any]:
    return {"provider_type": kind, "provider_id": provider["id"]}


def _made(answer: Answer) -> Any:
    assert answer.status == 201, answer.text
    return answer.body
