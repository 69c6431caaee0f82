"""What an end-to-end test sees of a running installation: its REST API, its gateway, its books."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import httpx

from tests.eventually import eventually
from tests.furnished import new_key
from tests.live import LiveServer

PRICE = "2.00"
NANO = 1_000_000_000
# What PRICE makes of one token, at the starter tier's 40 % and 1000 credits for a dollar.
NANO_PER_TOKEN = 2_800_000
# To read the certificates of all authorities takes ten times as long as a call.
WITHOUT_TLS = False
HELLO = [{"role": "user", "content": "Say hello to the tests"}]


class World:
    """An installation with its people: Alice is the operator, Bob's is the `key`."""

    def __init__(self, live: LiveServer) -> None:
        self.live = live
        self.key = live.people.key
        self.http = httpx.Client(base_url=live.url, timeout=30)
        login = self.http.post("/api/v1/auth/login", json={"username": "alice", "password": live.people.password})
        assert login.status_code == 200, login.text
        self.operator = {"Authorization": f"Bearer {login.json()['access_token']}"}

    def close(self) -> None:
        self.http.close()

    def new_key(
        self, user: str, *, credits: int = 0, power_level: str = "precision", limits: Mapping[str, int] | None = None
    ) -> str:
        """`limits` are "rpm", "tpm" and "concurrency"."""
        return new_key(self.live.environment, user, credits=credits, power_level=power_level, limits=limits)

    # --- the operator ---

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the management API; its JSON. AssertionError unless it succeeds."""
        response = self.http.request(method, f"/api/v1/llm-config/{path}", json=body, headers=self.operator)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def add_server(self, name: str, base_url: str) -> int:
        created = self.manage(
            "POST",
            "servers",
            {"name": name, "server_type": "openai-compatible", "base_url": base_url, "use_for_chat": True},
        )
        server_id: int = created["id"]
        return server_id

    def offer(
        self,
        name: str,
        deployments: Iterable[Mapping[str, Any]],
        *,
        price: str | None = PRICE,
        max_output_tokens: int = 4000,
    ) -> None:
        """Put a model into the catalog. A deployment is {"server", "model", "priority"?, "transport"?}."""
        self.manage(
            "POST",
            "models",
            {
                "name": name,
                "purpose": "chat",
                "tier": "free",
                "max_output_tokens": max_output_tokens,
                "input_price": price,
                "cached_input_price": None,
                "output_price": price,
                "deployments": [
                    {
                        "provider_type": "ai_server",
                        "provider_id": deployment["server"],
                        "upstream_model": deployment["model"],
                        "priority": deployment.get("priority", 0),
                        "transport": deployment.get("transport", "auto"),
                        "weight": 1,
                    }
                    for deployment in deployments
                ],
            },
        )

    def wait_for(self, *models: str, key: str | None = None) -> None:
        """Until the worker's snapshot has them."""
        eventually(lambda: set(models) <= self.models(key))

    def wait_for_all_workers(self, *models: str) -> None:
        """Until a dozen new connections in a row, which fall on every worker, find them."""
        eventually(lambda: all(set(models) <= self._models_over_a_new_connection() for _ in range(12)))

    def _models_over_a_new_connection(self) -> set[str]:
        answer = httpx.get(f"{self.live.url}/v1/models", headers=self.bearer(), verify=WITHOUT_TLS)
        return {entry["id"] for entry in answer.json()["data"]}

    def models(self, key: str | None = None) -> set[str]:
        answer = self.http.get("/v1/models", headers=self.bearer(key))
        return {entry["id"] for entry in answer.json()["data"]}

    # --- the consumer ---

    def bearer(self, key: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key or self.key}"}

    def chat(self, model: str | None, *, key: str | None = None, **body: Any) -> httpx.Response:
        asked = {"messages": HELLO, "max_tokens": 200, **({"model": model} if model else {}), **body}
        return self.http.post("/v1/chat/completions", json=asked, headers=self.bearer(key))

    def stream(
        self, model: str | None, *, key: str | None = None, on_text: Callable[[], None] | None = None, **body: Any
    ) -> "Streamed":
        """Read a stream to its end, however it ends; `on_text` is called once its text has begun."""
        asked = {"messages": HELLO, "max_tokens": 200, "stream": True, **body}
        if model:
            asked["model"] = model
        return read_stream(self.http, asked, self.bearer(key), on_text)

    def credits(self, key: str | None = None) -> dict[str, str]:
        balance: dict[str, str] = self.http.get("/api/v1/llm/credits", headers=self.bearer(key)).json()
        return balance

    # --- the books ---

    def settled(self, request_id: str) -> dict[str, Any]:
        """The request's row, once it is written, with its hold and what its journal moved."""
        return eventually(
            lambda: self._settled(request_id) or {}, what=lambda: f"{request_id}:\n{self.live.log[-4000:]}"
        )

    def settled_for(self, model: str) -> dict[str, Any]:
        """The same of the one request for `model`, whose id the client never learned."""
        ((request_id,),) = eventually(
            lambda: self.live.query(f"SELECT id FROM llm_requests WHERE requested_model = '{model}'"),
            what=lambda: self.live.log[-4000:],
        )
        return self.settled(str(request_id))

    def _settled(self, request_id: str) -> dict[str, Any] | None:
        literal = self.id_literal(request_id)
        rows = self.live.query(
            "SELECT status, billing_basis, charged_nano, held_nano, prompt_tokens, completion_tokens, http_status, "
            f"error_code, attempts, model FROM llm_requests WHERE id = {literal}"
        )
        if not rows:
            return None
        names = ("status", "basis", "charged", "held", "prompt", "completion", "http", "error", "attempts", "model")
        ((state, captured),) = self.live.query(f"SELECT state, captured FROM credits_holds WHERE id = {literal}")
        journal = self.live.query(
            "SELECT SUM(e.amount) FROM llm_transactions e JOIN credits_journals j ON j.id = e.journal_id "
            f"JOIN llm_credits a ON a.id = e.account_id WHERE a.kind = 'wallet' "
            f"AND j.idempotency_key = 'usage:{UUID(request_id)}'"
        )
        return {
            **dict(zip(names, rows[0], strict=True)),
            "state": state,
            "captured": captured,
            "journalled": -int(journal[0][0] or 0),
        }

    def id_literal(self, request_id: str) -> str:
        return f"'{UUID(request_id)}'" if self.live.database_url.startswith("postgres") else f"'{UUID(request_id).hex}'"

    def open_holds(self) -> int:
        ((number,),) = self.live.query("SELECT COUNT(*) FROM credits_holds WHERE state = 'HELD'")
        return int(number)

    def books_balance(self) -> None:
        """No open hold, no problem found by the checker."""
        eventually(lambda: self.open_holds() == 0, what=lambda: self.live.log[-4000:])
        assert self.live.manage("check_ledger").strip().endswith("0 problems")

    def usage_is_the_ledgers(self) -> None:
        """Once every row is written: the sums of the days, the requests and the ledger agree."""
        assert self.live.manage("check_usage", "--now").strip() == "0 problems"


class Streamed:
    """What a client saw of a stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.events: list[dict[str, Any]] = []
        self.done = False
        self.broken = False

    @property
    def request_id(self) -> str:
        return str(self.headers["x-request-id"])

    @property
    def text(self) -> str:
        return "".join(
            choice["delta"].get("content") or "" for event in self.events for choice in event.get("choices", ())
        )

    @property
    def error(self) -> dict[str, Any] | None:
        return next((event["error"] for event in self.events if "error" in event), None)

    @property
    def usage(self) -> dict[str, Any] | None:
        return next((event["usage"] for event in self.events if event.get("usage")), None)


def read_stream(
    http: httpx.Client, body: Mapping[str, Any], headers: Mapping[str, str], on_text: Callable[[], None] | None = None
) -> Streamed:
    with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as response:
        seen = Streamed(response)
        if response.status_code != 200:
            seen.events.append(json.loads(response.read()))
            return seen
        try:
            for line in response.iter_lines():
                if line == "data: [DONE]":
                    seen.done = True
                elif line.startswith("data: "):
                    seen.events.append(json.loads(line.removeprefix("data: ")))
                    if on_text and seen.text:
                        on_text()
                        on_text = None
        except httpx.HTTPError:
            seen.broken = True
        return seen
