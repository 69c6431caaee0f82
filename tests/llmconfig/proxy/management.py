"""A proxy's management API as its own OpenAPI description has it; what does not fit it is an error of the caller's.

Rows behave as the real one's do: a patch merges, ids and names are unique, keys are kept as hashes and never shown.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator

Answer = tuple[int, Any]


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Management:
    """`asked` lists "METHOD /path" of every request that changes something; `misfits` what the description refuses."""

    description: dict[str, Any]
    master_key: str
    url: str = ""
    has_database: bool = True
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    credentials: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    failing: dict[str, list[int]] = field(default_factory=dict)

    def fail(self, request: str, *statuses: int) -> None:
        """The next requests that begin so ("POST /model/new") are answered with these, one after the other."""
        self.failing[request] = list(statuses)

    def answer(self, method: str, target: str, key: str, body: Any) -> Answer:
        path, query = unquote(urlsplit(target).path), dict(parse_qsl(urlsplit(target).query))
        self._fits(method, path, query, body)
        if path == "/health/readiness":
            return 200, {"status": "healthy", "db": "connected" if self.has_database else "Not connected"}
        if key != self.master_key:
            return 401, {"error": {"message": "no"}}
        if method != "GET":
            self.asked.append(f"{method} {path}")
        for request, statuses in self.failing.items():
            if f"{method} {path}".startswith(request) and statuses:
                return statuses.pop(0), {"error": {"message": f"an echo of {json.dumps(body)}"}}
        try:
            return 200, self._do(method, path, query, body)
        except Refused as refused:
            return refused.status, {"error": {"message": "no"}}

    def _fits(self, method: str, path: str, query: dict[str, str], body: Any) -> None:
        described = next((one for one in self.description["paths"] if _matches(one, path, method, self)), None)
        if described is None:
            self.misfits.append(f"{method} {path} is not described")
            return
        operation = self.description["paths"][described][method.lower()]
        allowed = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        self.misfits += [f"{method} {path} has no parameter {name}" for name in query.keys() - allowed]
        content = operation.get("requestBody", {}).get("content", {})
        if schema := content.get("application/json", {}).get("schema"):
            whole = {**schema, "components": self.description["components"]}
            self.misfits += [f"{method} {path}: {one.message}" for one in Draft202012Validator(whole).iter_errors(body)]
        elif body is not None:
            self.misfits.append(f"{method} {path} takes no body")

    def _do(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        parts = path.split("/")[1:]
        kinds = {"v1": self._do_models, "model": self._do_models, "credentials": self._do_credentials}
        if parts[0] == "key":
            return self._do_keys(parts[1], query, body)
        return kinds[parts[0]](method, parts[1:], body)

    def _do_models(self, method: str, parts: list[str], body: Any) -> Any:
        match method, parts:
            case "GET", ["model", "info"]:
                return {"data": [_without_key(row) for row in self.models.values()]}
            case "POST", ["new"]:
                return self._add_model(body)
            case "PATCH", [id, "update"]:
                return self._patch_model(id, body)
            case "POST", ["delete"]:
                return _popped(self.models, body["id"], 400)
        raise Refused(404)

    def _do_credentials(self, method: str, parts: list[str], body: Any) -> Any:
        match method, parts:
            case "GET", []:
                masked = {"credential_values": {"api_key": "****"}}
                return {"success": True, "credentials": [row | masked for row in self.credentials.values()]}
            case "POST", []:
                if body["credential_name"] in self.credentials:
                    raise Refused(409)
                self.credentials[body["credential_name"]] = body
            case "PATCH", [name]:
                _merge(self._found(self.credentials, name, 404), body)
            case "DELETE", [name]:
                _popped(self.credentials, name, 404)
        return {"success": True}

    def _do_keys(self, what: str, query: dict[str, str], body: Any) -> Any:
        match what:
            case "list":
                wanted = query.get("key_alias", "")
                return {"keys": [row for row in self.keys.values() if row["key_alias"].startswith(wanted)]}
            case "generate":
                return self._generate(body)
            case "update":
                self._found(self.keys, body["key"], 404)["key_alias"] = body["key_alias"]
            case "delete":
                for token in body["keys"]:
                    _popped(self.keys, token, 404)
        return {"success": True}

    def _add_model(self, body: Any) -> Any:
        if body["model_info"]["id"] in self.models:
            raise Refused(500)
        name = body["litellm_params"].get("litellm_credential_name")
        if name is not None and name not in self.credentials:
            raise Refused(400)
        row = body | {"model_info": {**body["model_info"], "db_model": True}}
        self.models[body["model_info"]["id"]] = row
        return row

    def _patch_model(self, id: str, body: Any) -> Any:
        row = self._found(self.models, id, 404)
        row["model_name"] = body["model_name"]
        _merge(row["litellm_params"], body["litellm_params"])
        _merge(row["model_info"], body["model_info"])
        return row

    def _generate(self, body: Any) -> Any:
        if any(row["key_alias"] == body["key_alias"] for row in self.keys.values()):
            raise Refused(400)
        token = sha256(body["key"].encode()).hexdigest()
        self.keys[token] = {"token": token, "key_alias": body["key_alias"], "metadata": body["metadata"]}
        return {"key": body["key"], "token": token}

    @staticmethod
    def _found(rows: dict[str, dict[str, Any]], name: str, missing: int) -> dict[str, Any]:
        if name not in rows:
            raise Refused(missing)
        return rows[name]


@contextmanager
def management(description: dict[str, Any], master_key: str) -> Iterator[Management]:
    served = Management(description, master_key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, answer = served.answer(self.command, self.path, key, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names that http.server looks for

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _matches(described: str, path: str, method: str, served: Management) -> bool:
    pattern = re.sub(r"\{[^}]*\}", "[^/]+", described)
    return bool(re.fullmatch(pattern, path)) and method.lower() in served.description["paths"][described]


def _merge(row: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(row.get(name), dict):
            _merge(row[name], value)
        elif value is not None:
            row[name] = value


def _popped(rows: dict[str, Any], name: str, missing: int) -> Any:
    if name not in rows:
        raise Refused(missing)
    return rows.pop(name)


def _without_key(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"litellm_params": {k: v for k, v in row["litellm_params"].items() if k != "api_key"}}
