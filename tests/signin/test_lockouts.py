"""Too many failed sign-ins lock a name out at an address, on every path, for a while."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from opscenter.core.models import AuditEntry, User
from tests.signin.browser import FACTOR, Browser, enrolled

pytestmark = [pytest.mark.django_db, pytest.mark.once]

LIMIT = 5
Attempt = Callable[[Browser, str], Any]


def by_page(browser: Browser, password: str) -> Any:
    return browser.sign_in("root", password)


def by_api(browser: Browser, password: str) -> Any:
    return browser.token("root", password)


PATHS = pytest.mark.parametrize("attempt", [by_page, by_api])


def fail(attempt: Attempt, times: int = LIMIT, address: str = "192.0.2.1") -> Any:
    browser = Browser(address)
    return [attempt(browser, f"wrong-{n}") for n in range(times)][-1]


@PATHS
def test_the_last_failure_is_told_and_the_right_password_is_refused(attempt: Attempt, root: User) -> None:
    assert fail(attempt, LIMIT - 1).status_code in (200, 401)
    for password in ("wrong", "correct horse battery staple"):
        refused = attempt(Browser(), password)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 900


def test_the_api_says_it_in_the_envelope_and_the_page_in_words(root: User) -> None:
    error = fail(by_api).json()["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "too_many_sign_ins")
    assert "for the next 15 minutes" in by_page(Browser(), "wrong").content.decode()


@PATHS
def test_another_address_is_not_locked_out(attempt: Attempt, root: User) -> None:
    fail(attempt)
    assert attempt(Browser("192.0.2.2"), "correct horse battery staple").status_code in (200, 302)


def test_a_forwarded_address_is_not_believed(root: User) -> None:
    for n in range(LIMIT):
        browser = Browser()
        browser.client.defaults["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{n}"
        answer = browser.sign_in("root", "wrong")
    assert answer.status_code == 429


def test_an_ipv6_customer_has_one_address(root: User) -> None:
    for n in range(LIMIT):
        answer = Browser(f"2001:db8::{n}").sign_in("root", "wrong")
    assert answer.status_code == 429


def test_changing_the_user_agent_changes_nothing(root: User) -> None:
    browser = Browser()
    for n in range(LIMIT):
        browser.client.defaults["HTTP_USER_AGENT"] = f"agent {n}"
        answer = browser.sign_in("root", "wrong")
    assert answer.status_code == 429
    assert AccessAttempt.objects.count() == 1


def test_an_address_that_tries_many_names_is_locked_out(root: User, settings: Any) -> None:
    settings.AXES_ADDRESS_FAILURE_LIMIT = 6
    for n in range(6):
        Browser().sign_in(f"name{n}", "guess")
    assert Browser().sign_in("root").status_code == 429
    assert Browser("192.0.2.2").sign_in("root").status_code == 302


def test_a_lockout_ends_by_itself_however_often_it_is_tried(root: User) -> None:
    fail(by_page)
    before = AccessAttempt.objects.get().attempt_time
    fail(by_page, 3)
    assert AccessAttempt.objects.get().attempt_time == before
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=901))
    assert Browser().sign_in("root").status_code == 302


@PATHS
def test_a_success_forgets_the_failures(attempt: Attempt, root: User) -> None:
    fail(attempt, LIMIT - 1)
    attempt(Browser(), "correct horse battery staple")
    assert not AccessAttempt.objects.exists()


def test_a_session_outlives_the_lockout(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    fail(by_page)
    assert browser.get("/admin/core/user/").status_code == 200


def test_it_is_audited_without_names_that_nobody_has(root: User) -> None:
    fail(by_page)
    for n in range(LIMIT):
        Browser("192.0.2.9").sign_in("my-password-by-mistake", f"x{n}")
    entries = AuditEntry.objects.filter(action="lock_out").order_by("id")
    assert [(entry.entity_id, entry.address) for entry in entries] == [
        (str(root.pk), "192.0.2.1"),
        ("unknown", "192.0.2.9"),
    ]


def test_no_password_is_kept_with_the_failure(root: User) -> None:
    Browser().sign_in("root", "nearly-my-password")
    row = AccessAttempt.objects.get()
    assert "nearly-my-password" not in row.post_data + row.get_data


def test_an_operator_lifts_it_in_the_admin(root: User) -> None:
    fail(by_page)
    operator = Browser("192.0.2.2")
    operator.sign_in("root")
    row = AccessAttempt.objects.get()
    shown = operator.get(reverse("admin:core_failedsignin_changelist")).content.decode()
    assert "192.0.2.1" in shown
    operator.post(reverse("admin:core_failedsignin_button", args=[row.pk, "forget-name"]))
    assert Browser().sign_in("root").status_code == 302
    assert AuditEntry.objects.filter(action="lift_lockout", user_id=root.pk).count() == 1


def test_an_operator_lifts_it_on_the_machine(root: User) -> None:
    fail(by_page)
    call_command("lift_lockouts", "--username", "somebody-else")
    assert Browser().sign_in("root").status_code == 429
    call_command("lift_lockouts", "--username", "root")
    assert Browser().sign_in("root").status_code == 302
    assert AuditEntry.objects.get(action="lift_lockout").source == "command:lift_lockouts"


def test_guesses_of_the_old_password_count(root: User) -> None:
    browser = Browser()
    browser.sign_in("root")
    for n in range(LIMIT):
        answer = browser.post("/accounts/password/change/", oldpassword=f"guess{n}", password1="x", password2="x")
    assert answer.status_code == 429


def test_wrong_codes_count_from_wherever_they_come(root: User, settings: Any) -> None:
    app = enrolled(root)
    settings.AXES_CODE_FAILURE_LIMIT = 6
    for n in range(6):
        browser = Browser(f"203.0.113.{n}")
        browser.sign_in("root")
        answer = browser.post(FACTOR, code="abc")
    assert answer.status_code == 429
    browser = Browser("203.0.113.99")
    browser.sign_in("root")
    assert browser.post(FACTOR, code=app.code()).status_code == 429


def test_wrong_passwords_from_everywhere_lock_no_codes(root: User, settings: Any) -> None:
    app = enrolled(root)
    settings.AXES_CODE_FAILURE_LIMIT = 3
    for n in range(5):
        Browser(f"203.0.113.{n}").sign_in("root", "guess")
    browser = Browser("203.0.113.99")
    browser.sign_in("root")
    assert browser.post(FACTOR, code=app.code()).headers["Location"] == "/admin/"
