"""The real proxy, started once for its module; a management API that is described by it; sync in both modes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.llmconfig.proxy.management import Management, management
from tests.llmconfig.proxy.real import RealProxy, real_proxy

MASTER_KEY = f"sk-{'m' * 40}"


@pytest.fixture(scope="module")
def proxy() -> Iterator[RealProxy]:
    with real_proxy() as running:
        yield running


@pytest.fixture(scope="module")
def description(proxy: RealProxy) -> dict[str, Any]:
    """What the running proxy says of its own API."""
    told: dict[str, Any] = proxy.get("/openapi.json")
    return told


@pytest.fixture
def served(description: dict[str, Any], settings: Settings) -> Iterator[Management]:
    """A proxy that is told over its management API; every request has to fit the description."""
    with management(description, MASTER_KEY) as running:
        settings.LITELLM_SYNC_MODE = "api"
        settings.LITELLM_PROXY_URL = running.url
        settings.LITELLM_MASTER_KEY = MASTER_KEY
        yield running
    assert running.misfits == []


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where file mode writes, with no proxy to be asked."""
    settings.LITELLM_SYNC_MODE = "file"
    settings.LITELLM_CONFIG_DIR = tmp_path / "litellm"
    return tmp_path / "litellm"
