"""The real LiteLLM proxy, from the package index: installed by `make test`, started on the files of a folder."""

import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests import ROOT
from tests.e2e.world import WITHOUT_TLS
from tests.eventually import eventually
from tests.llmconfig.proxy.supervisor import PROGRAM
from tests.processes import die_with_parent, free_port, stop

TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class RealProxy:
    """`reload_command` starts it anew, on whatever is in its folder then."""

    folder: Path
    port: int
    master_key: str
    supervisor: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def reload_command(self) -> str:
        hang_up = f"import os, signal; os.kill({self.supervisor}, signal.SIGHUP)"
        return shlex.join([sys.executable, "-c", hang_up])

    def start(self) -> None:
        """On files that say nothing yet; returns when it answers."""
        (self.folder / "keys.env").touch()
        (self.folder / "config.yaml").write_text("general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}")
        os.kill(self.supervisor, signal.SIGHUP)
        eventually(self._answers, TIMEOUT_S, what=lambda: f"The LiteLLM proxy does not answer:\n{self.log}")

    def _answers(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/readiness", timeout=TIMEOUT_S, verify=WITHOUT_TLS).status_code == 200
        return False

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def call(self, model: str, *, path: str = "chat/completions", **fields: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Say hello"}], **fields}
        return httpx.post(f"{self.url}/v1/{path}", json=body, headers=self.headers, timeout=TIMEOUT_S)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", headers=self.headers, timeout=TIMEOUT_S).json()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.master_key}"}


@contextmanager
def real_proxy() -> Iterator[RealProxy]:
    assert PROGRAM.exists(), "The LiteLLM proxy is not installed: `make test` does it, or `make bench`."
    folder = Path(tempfile.mkdtemp(prefix="litellm-", dir=os.environ["DATA_DIR"]))
    port, master_key = free_port(), f"sk-{secrets.token_urlsafe(24)}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.llmconfig.proxy.supervisor", str(folder), str(port)],
        cwd=ROOT,
        # Nothing of ours: a DATABASE_URL would be taken for the proxy's own.
        env={
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LITELLM_MASTER_KEY": master_key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        proxy = RealProxy(folder, port, master_key, process.pid)
        proxy.start()
        yield proxy
    finally:
        stop(process, signal.SIGTERM)
        process.stdout.close()
