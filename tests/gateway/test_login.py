"""Signing in for a token, and what a token or a key may do in the management API."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import key_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.once]

_PASSWORD = "correct horse battery staple"
_SERVER = {"name": "gpu", "server_type": "vllm", "base_url": "http://gpu.example:8000"}


def _post(path: str, body: Any, *, bearer: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return Client().post(path, json.dumps(body), content_type="application/json", headers=headers)


def _sign_in(username: str = "olga", password: str = _PASSWORD) -> Any:
    return _post("/api/v1/auth/login", {"username": username, "password": password})


def _manage(bearer: str | None) -> Any:
    return _post("/api/v1/llm-config/servers", _SERVER, bearer=bearer)


@pytest.fixture
def olga() -> User:
    return person("olga", "LLM admin", password=_PASSWORD)


def test_name_and_password_give_a_token(olga: User) -> None:
    answer = _sign_in()

    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] > 0
    assert answer.headers["Cache-Control"] == "no-store"
    row = VirtualKey.objects.get(secret_hash=keys.hash_key(body["access_token"]))
    assert (row.user, row.kind) == (olga, "access")


def test_a_sign_in_is_audited_as_its_users(olga: User) -> None:
    _sign_in()

    entry = AuditEntry.objects.get(entity_type="llm_virtual_keys")
    assert (entry.user_id, entry.source) == (olga.pk, "api")


@pytest.mark.parametrize(("username", "password"), [("olga", "wrong"), ("nobody", _PASSWORD), ("OLGA", _PASSWORD)])
def test_anything_wrong_is_a_401_that_does_not_say_what(olga: User, username: str, password: str) -> None:
    answer = _sign_in(username, password)

    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "invalid_credentials")
    assert error["message"] == "The user name or password is wrong."
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_deactivated_user_can_not_sign_in(olga: User) -> None:
    olga.is_active = False
    olga.save()

    assert _sign_in().status_code == 401


@pytest.mark.parametrize("body", [{}, {"username": "olga"}, {"username": "olga", "password": ""}, [], "olga", None])
def test_a_body_without_both_is_a_422(olga: User, body: Any) -> None:
    answer = _post("/api/v1/auth/login", body)

    assert answer.status_code == 422
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_no_json_is_a_400(olga: User) -> None:
    answer = Client().post("/api/v1/auth/login", "{", content_type="application/json")

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_a_token_does_what_its_user_may(olga: User) -> None:
    assert _manage(_sign_in().json()["access_token"]).status_code == 201


def test_a_token_does_not_do_more(olga: User) -> None:
    person("bob", "LLM user", password=_PASSWORD)

    answer = _manage(_sign_in("bob").json()["access_token"])

    assert answer.status_code == 403
    assert answer.json()["error"]["message"].endswith("llm.manage_providers.")


@pytest.mark.parametrize("superuser", [False, True])
def test_a_virtual_key_manages_nothing_whoever_owns_it(olga: User, superuser: bool) -> None:
    olga.is_superuser = superuser
    olga.save()
    key = key_of(olga).plaintext

    assert _manage(key).status_code == 403
    listed = Client().get("/api/v1/llm-config/servers", headers={"Authorization": f"Bearer {key}"})
    assert listed.status_code == 403


def test_an_expired_token_is_refused(olga: User) -> None:
    token = _sign_in().json()["access_token"]
    VirtualKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert _manage(token).status_code == 401


def test_a_revoked_token_is_refused(olga: User) -> None:
    token = _sign_in().json()["access_token"]
    keys.revoke(VirtualKey.objects.get())

    assert _manage(token).status_code == 401


def test_a_deactivated_users_token_is_refused(olga: User) -> None:
    token = _sign_in().json()["access_token"]
    olga.is_active = False
    olga.save()

    assert _manage(token).status_code == 401


@pytest.mark.parametrize("bearer", ["sk-ops-unknown", "x" * 10_000, "müll"])
def test_an_unknown_bearer_is_refused(olga: User, bearer: str) -> None:
    answer = _manage(bearer)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic b2xnYTp4", "sk-ops-x"])
def test_a_malformed_authorization_header_is_refused(header: str) -> None:
    answer = Client().get("/api/v1/llm-config/servers", headers={"Authorization": header})

    assert answer.status_code == 401


def test_no_credentials_are_a_401_with_a_challenge() -> None:
    answer = Client().get("/api/v1/llm-config/servers")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_new_password_ends_every_sign_in_but_no_virtual_key(olga: User) -> None:
    token = _sign_in().json()["access_token"]
    key = key_of(olga)

    olga.set_password("another battery staple")
    olga.save()

    assert _manage(token).status_code == 401
    assert VirtualKey.objects.live().get() == key.row


def test_a_virtual_key_may_see_its_own_credits(olga: User) -> None:
    headers = {"Authorization": f"Bearer {key_of(olga).plaintext}"}
    assert Client().get("/api/v1/llm/credits", headers=headers).status_code == 200
