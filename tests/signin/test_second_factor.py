"""The second factor: enrolled, asked for on every way in, spent once, sealed, and removed when lost."""

import json
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.urls import reverse

from gateway.models import VirtualKey
from opscenter.core import secrets
from opscenter.core.models import AuditEntry, User
from tests.gateway.people import person
from tests.signin.browser import CONFIRM, ENROL, FACTOR, PASSWORD, Browser, enrolled, recovery_code, stored

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PAGES = ["/admin/", "/admin/core/user/", "/admin/core/user/add/"]


@pytest.fixture
def forced(settings: Any) -> None:
    settings.STAFF_MFA_REQUIRED = True


def test_the_admin_opens_only_after_the_code(root: User) -> None:
    app = enrolled(root)
    browser = Browser()
    assert browser.sign_in("root").headers["Location"] == FACTOR
    assert browser.get("/admin/").status_code == 302
    assert browser.post(FACTOR, code="000000x").status_code == 200
    assert browser.post(FACTOR, code=app.code()).headers["Location"] == "/admin/"
    assert browser.get("/admin/core/user/").status_code == 200


def test_the_admins_own_login_is_no_way_around(root: User) -> None:
    enrolled(root)
    browser = Browser()
    answer = browser.post("/admin/login/", username="root", password=PASSWORD, next="/admin/")
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert browser.get("/admin/core/user/").status_code == 302


def test_a_session_has_a_new_key_after_signing_in(root: User) -> None:
    browser = Browser()
    browser.client.session["planted"] = True
    browser.client.session.save()
    before = browser.client.session.session_key
    browser.sign_in("root")
    assert browser.client.session.session_key != before
    assert browser.client.session.get_expiry_age() <= 12 * 3600


def test_a_new_password_signs_out_everywhere_else(root: User) -> None:
    here, elsewhere = Browser(), Browser("192.0.2.2")
    here.sign_in("root")
    elsewhere.sign_in("root")
    new = "an-entirely-other-phrase"
    here.post("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert here.get("/admin/core/user/").status_code == 200
    assert elsewhere.get("/admin/core/user/").status_code == 302


def test_a_code_is_good_once(root: User) -> None:
    app = enrolled(root)
    code = app.code()
    assert Browser().token("root", otp=code).status_code == 200
    replayed = Browser().token("root", otp=code)
    assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "otp_invalid")


def test_the_code_of_the_enrolment_is_spent(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    app = browser.enrol()
    app._last -= 1
    assert Browser().token("root", otp=app.code()).status_code == 401


def test_a_recovery_code_is_good_once(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    browser.enrol()
    code = recovery_code(browser)
    other = Browser("192.0.2.2")
    other.sign_in("root")
    assert other.post(FACTOR, code=code).headers["Location"] == "/admin/"
    assert Browser().token("root", otp=code).json()["error"]["code"] == "otp_invalid"


def test_the_api_asks_for_the_code(root: User) -> None:
    app = enrolled(root)
    missing = Browser().token("root")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "otp_required")
    assert Browser().token("root", otp="123").json()["error"]["code"] == "otp_invalid"
    assert Browser().token("root", otp=app.code()).status_code == 200


def test_the_api_tells_nobody_of_a_factor_before_the_password_is_right(root: User) -> None:
    enrolled(root)
    assert Browser().token("root", "wrong").json()["error"]["code"] == "invalid_credentials"


def test_missing_and_wrong_codes_lock_out(root: User) -> None:
    enrolled(root)
    answers = [Browser().token("root", **({"otp": "1"} if n % 2 else {})) for n in range(5)]
    assert answers[-1].status_code == 429


def test_secrets_are_sealed_for_their_user_alone(root: User, charlie: User) -> None:
    app = enrolled(root)
    assert app.secret not in stored(root)
    sealed = Authenticator.objects.get(user=root, type="totp").data["secret"]
    assert secrets.disclose(sealed, owner=root) == app.secret
    with pytest.raises(secrets.SecretUnreadable):
        secrets.disclose(sealed, owner=charlie)


def test_recovery_codes_are_sealed(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    browser.enrol()
    data = Authenticator.objects.get(user=root, type="recovery_codes").data
    assert secrets.disclose(data["seed"], owner=root)
    assert recovery_code(browser) not in json.dumps(data)


def test_a_secret_that_waits_for_its_first_code_is_sealed_too(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    browser.post("/accounts/reauthenticate/", password=PASSWORD)
    secret = browser.get(ENROL).context["form"].secret
    assert not [session for session in Session.objects.all() if secret in str(session.get_decoded())]


def test_enrolling_and_deactivating_are_audited_and_end_tokens(root: User) -> None:
    token = Browser().token("root").json()["access_token"]
    browser = Browser()
    browser.sign_in("root")
    app = browser.enrol()
    assert not VirtualKey.objects.live().exists(), token
    browser.post(CONFIRM, code=app.code())
    browser.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    told = AuditEntry.objects.filter(entity_type="users", action__endswith="second_factor").order_by("id")
    assert [entry.action for entry in told].count("add_second_factor") == 2
    assert [entry.action for entry in told].count("remove_second_factor") == 2
    assert {(entry.user_id, entry.source) for entry in told} == {(root.pk, "account")}


def test_a_password_does_not_deactivate_it(root: User) -> None:
    browser = Browser()
    enrolled(root)
    browser.client.force_login(root)
    browser.post("/accounts/reauthenticate/", password=PASSWORD)
    browser.post("/accounts/2fa/totp/deactivate/")
    assert Authenticator.objects.filter(user=root, type="totp").exists()


def test_an_older_session_has_to_give_it(root: User) -> None:
    old = Browser("192.0.2.2")
    old.sign_in("root")
    app = enrolled(root)
    assert old.get("/admin/core/user/").headers["Location"].startswith(CONFIRM)
    assert old.get("/api/v1/llm-config/servers").json()["error"]["code"] == "second_factor_required"
    old.post(CONFIRM, code=app.code())
    assert old.get("/admin/core/user/").status_code == 200


@pytest.mark.usefixtures("forced")
@pytest.mark.parametrize("page", PAGES)
def test_staff_without_one_are_led_to_enrol(page: str, root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    assert browser.get(page).headers["Location"] == ENROL
    assert browser.post(page, username="x").headers["Location"] == ENROL
    browser.enrol()
    assert browser.get(page).status_code == 200


@pytest.mark.usefixtures("forced")
def test_staff_without_one_do_nothing_over_rest(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    for answer in (browser.get("/api/v1/llm-config/servers"), browser.token("root")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "second_factor_required")


def test_tokens_and_sessions_from_before_the_rule_are_no_way_around(root: User, settings: Any) -> None:
    browser = Browser()
    token = browser.token("root").json()["access_token"]
    browser.sign_in("root")
    settings.STAFF_MFA_REQUIRED = True
    headers = {"Authorization": f"Bearer {token}"}
    refused = Browser().client.get("/api/v1/llm-config/servers", headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "second_factor_required")
    assert browser.get("/admin/core/user/").headers["Location"] == ENROL


@pytest.mark.usefixtures("forced")
def test_who_may_configure_counts_as_staff_and_a_consumer_does_not(charlie: User) -> None:
    person("olga", "LLM admin", password=PASSWORD)
    assert Browser().token("olga").status_code == 403
    assert Browser().token("charlie").status_code == 200


@pytest.mark.usefixtures("forced")
def test_a_one_time_password_is_changed_before_enrolling(root: User) -> None:
    User.objects.filter(pk=root.pk).update(must_change_password=True)
    browser = Browser()
    browser.sign_in("root")
    assert browser.get("/admin/").headers["Location"] == "/accounts/password/change/"
    new = "an-entirely-other-phrase"
    browser.post("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert browser.get("/admin/").headers["Location"] == ENROL


def test_an_operator_removes_a_lost_one(root: User) -> None:
    alice = User.objects.create_superuser("alice", password=PASSWORD)
    enrolled(alice)
    browser = Browser()
    browser.sign_in("root")
    button = reverse("admin:core_user_button", args=[alice.pk, "remove-second-factor"])
    assert browser.get(button).status_code == 405
    browser.post(button)
    assert Authenticator.objects.filter(user=alice).exists()
    browser.post(button, confirmed="yes")
    assert Browser().sign_in("alice").headers["Location"] == "/admin/"
    assert AuditEntry.objects.filter(action="remove_second_factor", user_id=root.pk, entity_id=str(alice.pk)).exists()


def test_a_lost_one_is_removed_on_the_machine(root: User) -> None:
    enrolled(root)
    call_command("remove_second_factor", "root", stdout=StringIO())
    assert Browser().sign_in("root").headers["Location"] == "/admin/"


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "2fa/webauthn/"])
def test_there_is_no_sign_up_and_no_mail(path: str, db: None) -> None:
    assert Browser().get(f"/accounts/{path}").status_code == 404


def test_who_signs_in_is_not_sent_elsewhere(root: User) -> None:
    answer = Browser().post("/accounts/login/?next=https://evil.example/", login="root", password=PASSWORD)
    assert answer.headers["Location"] == "/admin/"
