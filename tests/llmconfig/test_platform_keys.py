"""The platform's keys by their providers' names: masked, except once to a superuser who proves it is them."""

from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone

from gateway.models import VirtualKey
from llmconfig.models import ProviderKey
from llmconfig.services import take_over
from opscenter.core import secret_versions
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import key_of, person
from tests.llmconfig.api import OPENAI_SECRET, Answer, Api, chat_on, on_key
from tests.signin.browser import PASSWORD, enrolled

pytestmark = [pytest.mark.django_db, pytest.mark.once]

KEYS = "/api/v1/admin/platform-keys/"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


class Caller:
    """Root, by a session or by a bearer."""

    def __init__(self, user: User | None = None, *, bearer: str = "") -> None:
        self.client = Client(headers={"Authorization": f"Bearer {bearer}"} if bearer else {})
        if user is not None:
            self.client.force_login(user)

    @classmethod
    def by_token(cls, **more: str) -> "Caller":
        body = {"username": "root", "password": PASSWORD, **more}
        answer = Client().post("/api/v1/auth/login", body, content_type="application/json")
        return cls(bearer=answer.json()["access_token"])

    def reauthenticate(self, **body: str) -> Answer:
        return self._call("post", "/api/v1/auth/reauthenticate", {"password": PASSWORD, **body})

    def decrypted(self, provider: str = "openai") -> Answer:
        return self._call("get", f"/api/v1/admin/platform-keys/{provider}/decrypted")

    def _call(self, method: str, path: str, body: Any = None) -> Answer:
        given = {"data": body, "content_type": "application/json"} if body is not None else {}
        self.response = getattr(self.client, method)(path, **given)
        return Answer(self.response.status_code, self.response.content.decode(), self.response.json())


def test_what_an_address_takes_is_told(alice: Api) -> None:
    assert alice.call("OPTIONS", f"{KEYS}openrouter").status == 404

    alice.put(f"{KEYS}openrouter", {"api_key": OPENAI_SECRET})
    told = alice.call("OPTIONS", f"{KEYS}openrouter")

    assert (told.status, "application/json" in told.body["parses"]) == (200, True)


def test_a_key_is_set_shown_masked_replaced_and_deleted(alice: Api) -> None:
    assert alice.get(f"{KEYS}openrouter").status == 404

    made = alice.put(f"{KEYS}openrouter", {"api_key": OPENAI_SECRET})
    assert made.status == 200, made.text
    assert (made.body["key_name"], made.body["masked_key"], made.body["source"]) == (
        "Default OpenRouter Key",
        "****5d80",
        "database",
    )
    again = alice.put(f"{KEYS}openrouter", {"api_key": token_hex(20)})
    assert again.body["id"] == made.body["id"]
    assert again.body["masked_key"] != "****5d80"

    assert alice.delete(f"{KEYS}openrouter").status == 204
    assert alice.get(f"{KEYS}openrouter").status == 404
    assert not ProviderKey.objects.exists()


def test_every_known_provider_is_listed_whether_it_has_a_key_or_not(alice: Api, settings: Any) -> None:
    settings.PLATFORM_API_KEYS = {"groq": f"key-{token_hex(20)}"}
    take_over.take_over()
    alice.key(provider="cohere")

    answer = alice.get(KEYS)

    listed = {row["provider"]: row for row in answer.body["results"]}
    assert {"openai", "anthropic", "huggingface", "google"} <= set(listed)
    assert (listed["groq"]["name"], listed["groq"]["is_set"], listed["groq"]["source"]) == ("Groq", True, "environment")
    assert (listed["openai"]["is_set"], listed["openai"]["masked_key"]) == (False, None)
    assert listed["cohere"]["source"] == "database"
    assert settings.PLATFORM_API_KEYS["groq"] not in answer.text


def test_a_key_that_is_active_is_not_deleted_and_one_that_is_deployed_on_leaves_its_row(alice: Api) -> None:
    key = alice.key()
    alice.model(on_key(key), input_price="1")
    alice.post("active", chat_on("api_key", key, "m1"))

    refused = alice.delete(f"{KEYS}openai")
    assert (refused.status, refused.code) == (409, "in_use")
    assert "the active provider for chat" in refused.message

    alice.delete("active/chat")
    assert alice.delete(f"{KEYS}openai").status == 204
    row = ProviderKey.objects.get()
    assert (row.pk, row.encrypted_key) == (key["id"], None)
    assert {bytes(version.ciphertext) for version in secret_versions.versions_of(row)} == {b""}
    assert alice.put(f"{KEYS}openai", {"api_key": OPENAI_SECRET}).body["id"] == key["id"]


def test_of_several_keys_the_one_that_works_is_the_providers(alice: Api) -> None:
    alice.key(key_name="off", enabled=False)
    second = alice.key(key_name="on")

    assert alice.get(f"{KEYS}openai").body["id"] == second["id"]


def test_a_key_that_is_missing_or_whose_provider_nobody_knows_is_refused(alice: Api) -> None:
    assert alice.put(f"{KEYS}nobody", {"api_key": OPENAI_SECRET}).status == 404
    assert alice.put(f"{KEYS}openai", {"api_key": ""}).status == 422
    assert alice.post(f"{KEYS}openai/test").status == 404
    assert alice.delete(f"{KEYS}openai").status == 404


def test_only_who_manages_providers_sees_them(alice: Api, bob: Api, nobody: Api) -> None:
    alice.key()

    assert [bob.get(f"{KEYS}{path}").status for path in ("", "openai", "openai/decrypted")] == [403, 403, 403]
    assert nobody.get(KEYS).status == 401
    assert bob.put(f"{KEYS}openai", {"api_key": OPENAI_SECRET}).status == 403


def test_the_key_itself_is_for_superusers_alone(alice: Api) -> None:
    alice.key()
    operator = person("otto", "LLM admin", password=PASSWORD)
    caller = Caller(operator)

    assert caller.reauthenticate().status == 200
    assert (caller.decrypted().status, caller.decrypted().code) == (403, "permission_denied")


def test_a_superuser_sees_it_after_the_password_once_more_and_that_is_audited(alice: Api, root: User) -> None:
    alice.key()
    for caller in (Caller(root), Caller.by_token()):
        seen = AuditEntry.objects.filter(action="reveal")
        before = seen.count()
        assert (caller.decrypted().status, caller.decrypted().code) == (403, "reauthentication_required")
        assert caller.reauthenticate().body == {"expires_in": 300}

        shown = caller.decrypted()

        assert (shown.status, shown.body) == (200, {"api_key": OPENAI_SECRET, "source": "database"})
        assert caller.response.headers["Cache-Control"] == "no-store"
        assert seen.count() == before + 1
        entry = seen.latest("pk")
        assert (entry.user_id, entry.entity_type) == (root.pk, "llm_api_keys")
        assert OPENAI_SECRET not in str(entry.changes)


def test_it_counts_for_five_minutes_and_for_that_session_or_token_alone(alice: Api, root: User) -> None:
    alice.key()
    session, token = Caller(root), Caller.by_token()
    session.reauthenticate()
    token.reauthenticate()
    assert Caller(root).decrypted().status == Caller.by_token().decrypted().status == 403

    long_ago = timezone.now() - timedelta(seconds=301)
    VirtualKey.objects.update(reauthenticated_at=long_ago)
    stored = session.client.session
    stored["reauthenticated"] = {"user": root.pk, "at": long_ago.timestamp()}
    stored.save()

    assert session.decrypted().code == token.decrypted().code == "reauthentication_required"


def test_the_password_has_to_be_right_and_guesses_are_counted(alice: Api, root: User, settings: Any) -> None:
    alice.key()
    caller = Caller(root)

    guesses = [caller.reauthenticate(password="wrong") for _ in range(settings.AXES_FAILURE_LIMIT)]

    assert guesses[0].code == "invalid_credentials"
    assert caller.reauthenticate().status == 429
    assert caller.decrypted().status == 403


def test_whoever_has_a_second_factor_gives_it_too(alice: Api, root: User) -> None:
    alice.key()
    app = enrolled(root)
    caller = Caller.by_token(otp=app.code())

    assert caller.reauthenticate().code == "otp_required"
    assert caller.reauthenticate(otp="000000").code == "otp_invalid"
    assert caller.reauthenticate(otp=app.code()).status == 200
    assert caller.decrypted().status == 200


def test_a_virtual_key_neither_confirms_nor_sees(alice: Api, root: User) -> None:
    alice.key()
    caller = Caller(bearer=key_of(root).plaintext)

    assert (caller.reauthenticate().status, caller.decrypted().status) == (403, 403)


def test_a_key_that_can_not_be_read_is_said_to_be(alice: Api, root: User, settings: Any) -> None:
    alice.key()
    caller = Caller(root)
    caller.reauthenticate()
    settings.BYOK_ENCRYPTION_KEY = Fernet.generate_key().decode()

    assert (caller.decrypted().status, caller.decrypted().code) == (409, "undecryptable")
