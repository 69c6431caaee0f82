"""Who is measured: how each is started, and what it is asked with. All of it ends with `Servers`."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx

from bench.conversation import MODEL, PACED, request_body
from tests import ROOT
from tests.e2e.world import World
from tests.eventually import eventually
from tests.live import LiveServer
from tests.postgres_server import PostgresServer, create_database
from tests.processes import die_with_parent, free_port, stop
from tests.redis_server import RedisServer
from tests.services import prepare

LABELS = {
    "direct": "the model server, directly",
    "gateway-sqlite": "this gateway, SQLite, relay",
    "gateway-postgres": "this gateway, PostgreSQL and Redis, relay",
    "gateway-litellm": "this gateway, PostgreSQL and Redis, LiteLLM in the process",
    "bare-litellm": "`litellm.acompletion` in a bare ASGI application",
    "litellm-proxy": "LiteLLM proxy, one worker, no database",
}
VIA_LITELLM = "-litellm"
# As gateway-postgres, but nobody has called LiteLLM in it: that stays in memory once it is used.
FRESH = "postgres-fresh"
PROXY_PROGRAM = ROOT / "var" / "bench" / "litellm-venv" / "bin" / "litellm"
DATABASES = {"postgres": "bench", FRESH: "bench_fresh"}
START_TIMEOUT_S = 120
# Everything that a key can be limited by, none of it so low that a call is refused.
_WITH_EVERY_LIMIT = (
    *("--tier", "starter", "--credits", "10000000", "--budget", "10000000", "--budget-period", "month"),
    *("--rpm", "1000000000", "--tpm", "1000000000", "--concurrency", "10000"),
)
_NO_NETWORK = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@dataclass(frozen=True, slots=True)
class Peer:
    """Whoever answers at `port`; `pid` is the root of its processes."""

    name: str
    port: int
    pid: int
    key: str = "none"
    via: str = ""

    def model_for(self, *, paced: bool) -> str:
        return f"{PACED if paced else MODEL}{self.via}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"


class Servers:
    """A context manager. Peers are started when they are first asked for; those of one gateway share it."""

    def __init__(self, *, pace_ms: float) -> None:
        self._pace_ms = pace_ms
        self._stack = ExitStack()
        self._gateways: dict[str, tuple[LiveServer, str]] = {}

    def __enter__(self) -> "Servers":
        prepare("sqlite", self._finally)
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=os.environ["DATA_DIR"]))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def start(self, name: str) -> Peer:
        """Returns once it answers as it should."""
        starts: Mapping[str, Callable[[], Peer]] = {
            "direct": lambda: Peer("direct", self.stub.port, self.stub.pid),
            "gateway-sqlite": lambda: self._gateway("gateway-sqlite", "sqlite"),
            "gateway-postgres": lambda: self._gateway("gateway-postgres", "postgres"),
            "gateway-litellm": lambda: self._gateway("gateway-litellm", "postgres", via=VIA_LITELLM),
            FRESH: lambda: self._gateway(FRESH, FRESH),
            "bare-litellm": self._bare,
            "litellm-proxy": self._proxy,
        }
        peer = starts[name]()
        eventually(lambda: _answers(peer), START_TIMEOUT_S, what=lambda: f"{name} does not answer:\n{self._log(name)}")
        return peer

    def _finally(self, cleanup: Callable[[], None]) -> None:
        self._stack.callback(cleanup)

    @property
    def helpers(self) -> list[int]:
        """Pids of what serves the peers: the model server, PostgreSQL, Redis."""
        found = [self.stub.pid]
        if "postgres" in self._gateways:
            found += [self.postgres.pid, self.redis.pid]
        return found

    @cached_property
    def stub(self) -> Peer:
        command = [sys.executable, "-m", "bench.stub", "--pace-ms", str(self._pace_ms)]
        process = self._run("stub", command, os.environ, stdout=subprocess.PIPE)
        assert process.stdout is not None
        return Peer("stub", int(process.stdout.readline()), process.pid)

    @cached_property
    def postgres(self) -> PostgresServer:
        server = PostgresServer()
        self._stack.callback(server.destroy)
        server.start()
        return server

    @cached_property
    def redis(self) -> RedisServer:
        server = RedisServer()
        self._stack.callback(server.destroy)
        server.start()
        return server

    def _gateway(self, name: str, kind: str, *, via: str = "") -> Peer:
        if kind not in self._gateways:
            self._gateways[kind] = self._start_gateway(kind)
        live, key = self._gateways[kind]
        return Peer(name, live.port, live.started[0].pid, key, via)

    def _start_gateway(self, kind: str) -> tuple[LiveServer, str]:
        environment = {"LOG_LEVEL": "INFO", "PRELOAD_LITELLM": "1"}
        database_url = ""
        if kind != "sqlite":
            database_url = create_database(self.postgres.url(), DATABASES[kind])
            environment["REDIS_URL"] = self.redis.url()
        live = self._stack.enter_context(LiveServer(workers=1, environment=environment, database_url=database_url))
        world = World(live)
        self._stack.callback(world.close)
        server = world.add_server("stub", self._api_base)
        for model in (MODEL, PACED):
            world.offer(model, [{"server": server, "model": model}])
            world.offer(model + VIA_LITELLM, [{"server": server, "model": model, "transport": "litellm"}])
        key = live.manage("create_virtual_key", "--user", "carol", *_WITH_EVERY_LIMIT).strip().splitlines()[-1]
        world.wait_for(PACED + VIA_LITELLM, key=key)
        return live, key

    def _bare(self) -> Peer:
        port = free_port()
        command = [sys.executable, "-m", "bench.bare", "--port", str(port), "--api-base", self._api_base]
        process = self._run("bare-litellm", command, {**os.environ, **_NO_NETWORK})
        return Peer("bare-litellm", port, process.pid)

    @property
    def _api_base(self) -> str:
        return f"http://127.0.0.1:{self.stub.port}/v1"

    def _proxy(self) -> Peer:
        if not PROXY_PROGRAM.exists():
            raise SystemExit("The LiteLLM proxy is not installed: run `make bench`, or leave it out with --peers.")
        port = free_port()
        key = f"sk-{secrets.token_urlsafe(24)}"
        config = self.folder / "litellm.yaml"
        # JSON is YAML.
        config.write_text(json.dumps(self._proxy_config()))
        options = {"--config": config, "--host": "127.0.0.1", "--port": port, "--num_workers": 1, "--telemetry": False}
        command = [str(PROXY_PROGRAM), *(str(part) for option in options.items() for part in option)]
        # Not what this process has: a DATABASE_URL would be taken for its own.
        environment = {
            **_NO_NETWORK,
            "PATH": f"{PROXY_PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LITELLM_MASTER_KEY": key,
            "LITELLM_LOG": "ERROR",
        }
        process = self._run("litellm-proxy", command, environment)
        return Peer("litellm-proxy", port, process.pid, key)

    def _proxy_config(self) -> dict[str, object]:
        upstream = {"api_base": self._api_base, "api_key": secrets.token_urlsafe(16)}
        models = [
            {"model_name": model, "litellm_params": {"model": f"openai/{model}", **upstream}}
            for model in (MODEL, PACED)
        ]
        return {"model_list": models}

    def _run(
        self, name: str, command: list[str], environment: Mapping[str, str], *, stdout: int | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log if stdout is None else stdout,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
            )
        self._stack.callback(stop, process, signal.SIGTERM)
        return process

    def _log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""


def _answers(peer: Peer) -> bool:
    headers = {"Authorization": f"Bearer {peer.key}", "Content-Type": "application/json"}
    try:
        for stream in (False, True):
            body = request_body(model=peer.model_for(paced=False), stream=stream)
            if httpx.post(peer.url, content=body, headers=headers, timeout=START_TIMEOUT_S).status_code != 200:
                return False
    except httpx.TransportError:
        return False
    return True
