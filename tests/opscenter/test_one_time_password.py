"""Signed in with a one-time password, there is one thing to do in the admin: change it."""

import pytest
from django.test import Client

from opscenter import bootstrap
from opscenter.core.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CHANGE = "/accounts/password/change/"
NEW = "a-new-and-long-passphrase"


@pytest.fixture
def password() -> str:
    password = bootstrap.ensure_admin()
    assert password is not None
    return password


@pytest.fixture
def browser(client: Client, password: str) -> Client:
    signed_in = client.post("/accounts/login/", {"login": "admin", "password": password})
    assert signed_in.status_code == 302
    return client


@pytest.mark.parametrize("path", ["/admin/", "/admin/core/user/"])
def test_every_page_leads_to_the_change(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, CHANGE)


def test_the_page_of_the_change_is_shown(browser: Client) -> None:
    assert browser.get(CHANGE).status_code == 200


def test_a_new_password_opens_the_admin_and_the_former_one_is_dead(browser: Client, password: str) -> None:
    changed = browser.post(CHANGE, {"oldpassword": password, "password1": NEW, "password2": NEW})
    assert changed.status_code == 302
    assert browser.get("/admin/").status_code == 200
    refused = Client().post("/accounts/login/", {"login": "admin", "password": password})
    assert refused.status_code == 200


def test_whoever_chose_the_password_is_not_asked(client: Client) -> None:
    client.force_login(User.objects.create_superuser("alice", password=NEW))
    assert client.get("/admin/").status_code == 200


def test_signing_out_stays_possible(browser: Client) -> None:
    assert browser.post("/admin/logout/").status_code == 200
