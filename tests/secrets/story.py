"""What happens to an installation in a bad week: good calls, faults, upstreams that blab, typing errors."""

from typing import Any

from tests.eventually import eventually
from tests.secrets.echoing import KINDS, Echoing
from tests.secrets.installation import Installation
from tests.upstream import Upstream

# What the echoing upstream answers too is left to it.
FAULTS = (
    *("ok", "status-403", "status-404", "status-429", "redirect", "garbage-json", "reset-before-first-byte"),
    *("reset-mid-stream", "garbage-sse", "error-event"),
)
PAGES = (
    *("/admin/", "/admin/llm/aiserver/", "/admin/llm/aiserver/1/change/", "/admin/llm/aiserver/add/"),
    *("/admin/llm/providerkey/", "/admin/llm/providerkey/1/change/", "/admin/core/auditentry/", "/admin/core/user/"),
    *("/admin/core/user/1/change/", "/admin/gateway/virtualkey/", "/admin/gateway/virtualkey/1/change/"),
    *("/metrics", "/health/ready", "/api/schema", "/nothing-here", "/admin/llm/aiserver/?q=sk-"),
)


def live_through(installation: Installation, upstream: Upstream) -> None:
    installation.sign_in()
    _add_server(installation, installation.planted, "http://127.0.0.1:9", installation.canaries["server key"])
    installation.page("GET", f"/nothing/{installation.planted}")
    with Echoing().running() as echoing:
        _call_models(installation, upstream, echoing)
    _ask_badly(installation)
    _type_badly(installation)
    _look_around(installation)
    _lose_services(installation)
    _use_a_second_factor(installation)
    eventually(lambda: "gateway.tasks.sweep_holds" in installation.live.log, 60)


def _call_models(installation: Installation, upstream: Upstream, echoing: Echoing) -> None:
    keys = (installation.canaries["server key"], installation.canaries["plain server key"])
    models, says = [], []
    for transport in ("relay", "litellm"):
        server = _add_server(installation, f"up-{transport}", upstream.origin, keys[0])
        installation.call("POST", f"/api/v1/llm-config/servers/{server}/test")
        models += [_offer(installation, f"{transport}-{f}", server, f"fault:{f}", transport) for f in FAULTS]
        for n, kind in enumerate(KINDS):
            name = f"{transport}-says-{kind}"
            origin = f"http://127.0.0.1:{echoing.port}/{kind}"
            server = _add_server(installation, name, origin, keys[n % 2])
            says.append(server)
            models.append(_offer(installation, name, server, "m", transport))
    installation.world.wait_for(*models)
    for model in models:
        for stream in (False, True):
            installation.chat(model, stream=stream)
    # Afterwards: who is found unhealthy isn't called.
    for server in says:
        installation.call("POST", f"/api/v1/llm-config/servers/{server}/test")
        installation.call("GET", f"/api/v1/llm-config/servers/{server}/models")
    assert echoing.connections > len(KINDS) * 6


def _add_server(installation: Installation, name: str, base_url: str, key: str) -> int:
    body = {"name": name, "server_type": "vllm", "base_url": base_url, "api_key": key}
    answer = installation.call("POST", "/api/v1/llm-config/servers", json=body)
    assert answer.status_code == 201, answer.text
    server_id: int = answer.json()["id"]
    return server_id


def _offer(installation: Installation, name: str, server: int, model: str, transport: str) -> str:
    deployment = {"server": server, "model": model, "transport": transport}
    installation.world.offer(name, [deployment])
    return name


def _ask_badly(installation: Installation) -> None:
    """Over REST: refused bodies with secrets in them, wrong passwords, unknown keys."""
    canaries, refused = installation.canaries, installation.canaries["refused key"]
    key = {"provider": "groq", "key_name": "main", "api_key": canaries["provider key"]}
    made = installation.call("POST", "/api/v1/llm-config/api-keys", json=key)
    assert made.status_code == 201, made.text
    path = f"/api/v1/llm-config/api-keys/{made.json()['id']}"
    installation.call("POST", f"{path}/test")
    installation.call("PATCH", path, json={"provider": "openai", "api_key": refused, "key_name": ""})
    for body in ({**key, "api_key": [refused]}, {**key, "api_key": refused * 200}, {"api_key": refused}, key):
        assert installation.call("POST", "/api/v1/llm-config/api-keys", json=body).is_client_error
    for place in ("/api/v1/llm-config/servers", "/v1/chat/completions", "/api/v1/auth/login"):
        broken = f'{{"api_key": "{refused}", "password": "{refused}"'.encode()
        sent: dict[str, Any] = {"content": broken, "headers": {**installation.world.operator}}
        sent["headers"]["Content-Type"] = "application/json"
        assert installation.call("POST", place, **sent).is_client_error
    wrong = {"username": "alice", "password": canaries["wrong password"]}
    assert installation.call("POST", "/api/v1/auth/login", json=wrong, headers={}).status_code in (400, 401)
    bearer = {"Authorization": f"Bearer {canaries['unknown virtual key']}"}
    for place in ("/v1/models", "/api/v1/llm-config/servers"):
        assert installation.call("GET", place, headers=bearer).status_code == 401
    for place in ("servers", "api-keys", "models", "active", "deployments"):
        installation.call("GET", f"/api/v1/llm-config/{place}")


def _type_badly(installation: Installation) -> None:
    """In the admin: forms that come back with errors."""
    canaries, refused = installation.canaries, installation.canaries["refused key"]
    hostile = "http://169.254.169.254"
    server = {"name": "x", "server_type": "vllm", "base_url": hostile, "api_key": refused, "metadata": "{}"}
    typed = {"password1": canaries["typed password"], "password2": refused, "usable_password": "true"}
    for path, fields in (
        ("/admin/llm/aiserver/add/", server),
        ("/admin/llm/aiserver/1/change/", server),
        ("/admin/llm/providerkey/add/", {"provider": "no such", "key_name": "", "api_key": refused}),
        ("/admin/core/user/add/", {"username": "new", **typed}),
        ("/admin/core/user/1/password/", typed),
        (
            "/accounts/password/change/",
            {"oldpassword": canaries["wrong password"], "password1": refused, "password2": refused},
        ),
    ):
        answer = installation.page("POST", path, **fields)
        assert answer.status_code in (200, 422), (path, answer.status_code)


def _look_around(installation: Installation) -> None:
    for path in PAGES:
        status = installation.page("GET", path).status_code
        assert status == (404 if path.startswith("/nothing") else 200), (path, status)
    one_of_each_kind = "SELECT MAX(id) FROM llm_config_audit GROUP BY entity_type, action"
    for (entry,) in installation.live.query(one_of_each_kind):
        installation.page("GET", f"/admin/core/auditentry/{entry}/change/")


def _lose_services(installation: Installation) -> None:
    """By commands with addresses that nobody answers at."""
    canaries = installation.canaries
    database = f"postgresql://opscenter:{canaries['database password']}@127.0.0.1:9/opscenter"
    queue = f"redis://:{canaries['redis password']}@127.0.0.1:9/0"
    installation.command("check_ledger", DATABASE_URL=database)
    ask = "from credits import tasks; from credits.services import ledger_checks; ledger_checks.ask()"
    installation.command("shell", "-c", ask, REDIS_URL=queue)
    assert b"the task queue is away" in installation.shown[-1]


def _use_a_second_factor(installation: Installation) -> None:
    """Last, because it ends the operator's token."""
    app = installation.enrol()
    who = {"username": "alice", "password": installation.canaries["password"]}
    for otp, status in (("", 401), ("123456", 401), (app.code(), 200)):
        answer = installation.world.http.post("/api/v1/auth/login", json={**who, "otp": otp})
        assert answer.status_code == status, answer.text
    installation.page("POST", "/accounts/2fa/reauthenticate/", code="000000")
    for path in ("/accounts/2fa/", "/admin/core/user/1/change/", "/admin/core/auditentry/"):
        assert installation.page("GET", path).status_code == 200, path
