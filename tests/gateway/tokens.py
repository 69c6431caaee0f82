"""The management API, called with a bearer's secret."""

import json
from collections.abc import Callable
from typing import Any

from django.test import Client


def by_bearer(secret: str) -> Callable[..., Any]:
    """`by_bearer(key.plaintext)("POST", path, body)`: Django's response."""

    def call(method: str, path: str, body: Any = None) -> Any:
        headers, data = {"Authorization": f"Bearer {secret}"}, "" if body is None else json.dumps(body)
        return Client().generic(method, path, data=data, content_type="application/json", headers=headers)

    return call
