"""Calls to models from a page of this site: who signed in needs no key, and nobody else can use their session."""

import asyncio
import json
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.test import Client

from credits.models import Hold
from gateway.models import RequestRow, VirtualKey
from gateway.services import keys
from opscenter.core.models import AuditEntry, User
from tests.eventually import eventually
from tests.gateway.in_process import InProcess
from tests.gateway.pages import from_a_page
from tests.gateway.people import key_of, person
from tests.llmconfig.api import Api, on_server
from tests.signin.browser import FACTOR, PASSWORD, App, Browser, enrolled
from tests.upstream import Upstream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

_CREDIT = 1_000_000_000


class Page:
    """A page that was opened by whoever is signed in to `client`, and stays open."""

    def __init__(self, serving: InProcess, client: Client) -> None:
        self._serving = serving
        self.headers = from_a_page(client)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = b"" if body is None else json.dumps(body).encode()
        return self._serving.call(method, path, content=content, headers={**self.headers, **headers})

    def chat(self, **headers: str) -> httpx.Response:
        return self.call("POST", "/v1/chat/completions", ASKED, **headers)


ASKED = {"model": "m1", "messages": [{"role": "user", "content": "Hello"}]}


def page_of(serving: InProcess, user: User) -> Page:
    client = Client()
    client.force_login(user)
    return Page(serving, client)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", "LLM user", tier="starter", credits_nano=1000 * _CREDIT, password=PASSWORD)


@pytest.fixture
def offering(serving: InProcess, alice: Api, upstream: Upstream) -> InProcess:
    alice.model(on_server(alice.server(base_url=upstream.origin), "test-model"), input_price="2", output_price="2")
    serving.sees_changes()
    return serving


def test_a_call_by_a_session_is_its_users_by_a_key_of_their_own(offering: InProcess, bob: User) -> None:
    page = page_of(offering, bob)

    answers = [page.chat(), page.chat(), page_of(offering, bob).chat()]

    assert [answer.status_code for answer in answers] == [200, 200, 200], answers[0].text
    key = VirtualKey.objects.get(kind=VirtualKey.Kind.SESSION)
    assert (key.user, key.account.user, key.expires_at) == (bob, bob, None)
    rows = eventually(lambda: list(RequestRow.objects.all()) if RequestRow.objects.count() == 3 else [])
    assert {(row.user_id, row.virtual_key_id, row.status) for row in rows} == {(bob.pk, key.pk, "succeeded")}
    assert set(Hold.objects.values_list("virtual_key_id", flat=True)) == {key.pk}
    (made,) = AuditEntry.objects.filter(entity_type="llm_virtual_keys")
    assert (made.user_id, made.action) == (bob.pk, "create")


FORGED: list[dict[str, str]] = [
    {"X-CSRFToken": ""},
    {"X-CSRFToken": token_urlsafe(CSRF_SECRET_LENGTH)[:CSRF_SECRET_LENGTH]},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
]


def test_another_site_can_not_use_a_session(offering: InProcess, bob: User, upstream: Upstream) -> None:
    page = page_of(offering, bob)
    for headers in FORGED:
        answer = page.chat(**headers)

        assert refused(answer) == (403, "csrf_failed"), headers
        assert "X-CSRFToken" in answer.json()["error"]["message"]
    assert upstream.calls == []
    assert not VirtualKey.objects.filter(user=bob).exists()


def test_its_own_site_is_no_other(offering: InProcess, bob: User) -> None:
    assert page_of(offering, bob).chat(Origin="http://localhost").status_code == 200


def test_reading_takes_no_token(offering: InProcess, bob: User) -> None:
    answer = page_of(offering, bob).call("GET", "/v1/models", **{"X-CSRFToken": ""})

    assert [model["id"] for model in answer.json()["data"]] == ["m1"]


def test_a_key_goes_before_the_session(offering: InProcess, bob: User) -> None:
    carols = key_of(person("carol", "LLM user", tier="starter", credits_nano=_CREDIT))
    page = page_of(offering, bob)

    assert page.chat(Authorization=f"Bearer {carols.plaintext}", **{"X-CSRFToken": ""}).status_code == 200
    assert refused(page.chat(Authorization="Bearer sk-ops-nobody")) == (401, "invalid_api_key")
    assert eventually(lambda: list(RequestRow.objects.values_list("virtual_key_id", flat=True))) == [carols.row.pk]


def test_signing_out_and_deactivation_end_it_at_once(offering: InProcess, bob: User) -> None:
    here, elsewhere = Client(), page_of(offering, bob)
    here.force_login(bob)
    page = Page(offering, here)
    assert page.chat().status_code == 200
    here.logout()
    assert refused(page.chat()) == (401, "invalid_api_key")
    assert elsewhere.chat().status_code == 200

    bob.is_active = False
    bob.save()
    assert refused(elsewhere.chat()) == (401, "invalid_api_key")


def test_a_session_may_what_its_user_may(offering: InProcess) -> None:
    answer = page_of(offering, person("nobody")).chat()

    assert refused(answer) == (403, "permission_denied")


def test_a_second_factor_is_given_first(offering: InProcess, bob: User) -> None:
    app: App = enrolled(bob)
    browser = Browser()
    browser.sign_in("bob")
    assert browser.post(FACTOR, code=app.code()).status_code == 302
    assert Page(offering, browser.client).chat().status_code == 200

    answer = page_of(offering, bob).chat()
    assert refused(answer) == (403, "second_factor_required")
    assert "/accounts/2fa/reauthenticate/" in answer.json()["error"]["message"]


def test_staff_without_a_demanded_second_factor_call_nothing(offering: InProcess, settings: Any) -> None:
    settings.STAFF_MFA_REQUIRED = True
    root = User.objects.create_superuser("root", password=PASSWORD)

    assert refused(page_of(offering, root).chat()) == (403, "second_factor_required")


def test_a_key_that_was_revoked_stays_so_until_the_next_sign_in(offering: InProcess, bob: User) -> None:
    page = page_of(offering, bob)
    assert page.chat().status_code == 200
    keys.revoke(VirtualKey.objects.get(user=bob))

    answer = page.chat()

    assert refused(answer) == (401, "invalid_api_key")
    assert "sign in again" in answer.json()["error"]["message"]
    assert page_of(offering, bob).chat().status_code == 200
    assert VirtualKey.objects.filter(user=bob, revoked_at=None).count() == 1


def test_calls_that_come_together_make_one_key(offering: InProcess, bob: User) -> None:
    page = page_of(offering, bob)

    async def together() -> list[int]:
        asked = [offering._call("GET", "/v1/models", None, b"", page.headers) for _ in range(8)]
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert offering.run(together()) == [200] * 8
    assert VirtualKey.objects.count() == 1


def test_a_cookie_that_is_no_session_is_nobodys(offering: InProcess) -> None:
    for cookie in ("sessionid=", "sessionid=x", f"sessionid={'a' * 32}", "other=1"):
        answer = offering.call("GET", "/v1/models", headers={"Cookie": cookie})

        assert refused(answer) == (401, "invalid_api_key"), cookie
