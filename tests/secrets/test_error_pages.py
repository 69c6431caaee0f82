"""Django's error page with DEBUG on says where it went wrong, and shows no secret that was near."""

from secrets import token_urlsafe
from typing import Any

import pytest
from django.test import Client

from llmconfig.services import servers
from opscenter.core.models import User
from tests.secrets.scanner import Scanner

pytestmark = pytest.mark.once


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("place", ["admin", "api"])
def test_an_error_page_shows_no_secret(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, debug: bool, place: str
) -> None:
    settings.DEBUG = debug
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://:{token_urlsafe(20)}@127.0.0.1:6379/0"
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("alice", password=None))
    key = token_urlsafe(30)
    canaries = {
        "key": key,
        "cookie": client.cookies["sessionid"].value,
        "secret key": settings.SECRET_KEY,
        "ring": settings.BYOK_ENCRYPTION_KEY,
        "redis": settings.REDIS_URL.partition("@")[0].removeprefix("redis://:"),
        "token": token_urlsafe(30),
    }

    def create(*, api_key: str, fields: Any) -> None:
        raise RuntimeError(f"{fields['name']} can't be made")

    monkeypatch.setattr(servers, "create", create)
    body = {"name": "gpu", "server_type": "vllm", "base_url": "http://127.0.0.1:9", "api_key": key, "metadata": "{}"}
    headers = {"X-Api-Key": canaries["token"]}
    if place == "admin":
        answer = client.post("/admin/llm/aiserver/add/", body, headers=headers)
    else:
        sent: dict[str, Any] = {**body, "metadata": {}}
        answer = client.post("/api/v1/llm-config/servers", sent, content_type="application/json", headers=headers)

    assert answer.status_code == 500
    assert ("gpu can" in answer.content.decode()) == debug
    scanner = Scanner(canaries)
    assert scanner.leaks(answer.content) == set()
    assert scanner.leaks(caplog.text) == set()
