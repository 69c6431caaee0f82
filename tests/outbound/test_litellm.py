"""LiteLLM has many clients and many habits; none of them leads past the guard."""

import json
import os
import subprocess
import sys
from secrets import token_hex
from typing import Any

import pytest

from gateway.transports.errors import UpstreamError
from gateway.transports.litellm import LiteLLM, load
from tests import ROOT
from tests.gateway.transports.conftest import attempt, make_call
from tests.outbound.listeners import Listener

# What would make LiteLLM log, trace or fetch elsewhere, if it were let; the address is the listener's.
ADDRESSES = (
    *("LANGFUSE_HOST", "OTEL_EXPORTER_OTLP_ENDPOINT", "HELICONE_API_BASE", "LANGSMITH_BASE_URL", "ARIZE_ENDPOINT"),
    *("SLACK_WEBHOOK_URL", "GENERIC_LOGGER_ENDPOINT", "WEBHOOK_URL", "PROXY_BASE_URL", "MODEL_COST_MAP_URL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
)
KEYS = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "DD_API_KEY", "HELICONE_API_KEY", "LANGSMITH_API_KEY")
SPEAKING_OPENAI = ("openai", "hosted_vllm", "deepinfra", "together_ai", "groq", "fireworks_ai", "mistral", "xai")


def test_no_provider_of_litellms_connects_by_itself(canary: Listener) -> None:
    surroundings = dict.fromkeys(ADDRESSES, f"http://127.0.0.1:{canary.port}")
    surroundings |= {name: f"pk-{token_hex(12)}" for name in KEYS}
    done = subprocess.run(
        [sys.executable, "-m", "tests.outbound.every_provider", str(canary.port)],
        cwd=ROOT,
        env={**os.environ, **surroundings, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["around"] == []
    assert found["called"] > 200
    assert canary.connections == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("provider", SPEAKING_OPENAI)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_a_failing_upstream_is_called_once(canary: Listener, provider: str, stream: bool) -> None:
    canary.reply = b"HTTP/1.1 500 Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    load()
    transport = LiteLLM()
    target: dict[str, Any] = {"litellm_provider": provider}
    with pytest.raises(UpstreamError):
        await attempt(transport, make_call(f"http://127.0.0.1:{canary.port}/v1", stream=stream, target=target))
    await transport.aclose()

    assert canary.connections == 1
