"""Error pages say what to do and lead on; static files and the icon are there on every page, also of errors."""

import re
from typing import Any

import pytest
from django.test import Client

from opscenter.core.models import User
from opscenter.front_page import page as front_page
from tests.signin.browser import LOGIN

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def root(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def charlie(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("charlie"))
    return client


def said(answer: Any, status: int) -> str:
    """What the page says, once it is known to obey the policy of pages and to be styled."""
    page = str(answer.content.decode())
    assert answer.status_code == status
    assert not re.search(r"<style|style=|<script|\son\w+=", page)
    assert "opscenter/signin.css" in page
    return page


def test_an_unknown_page_leads_to_the_front_page(client: Client) -> None:
    page = said(client.get("/nowhere"), 404)

    assert "There is no such page" in page
    assert 'href="/admin/"' in page


def test_a_deleted_row_has_the_same_page_with_the_way_out_of_the_account(root: Client) -> None:
    page = said(root.get("/admin/nowhere/"), 404)

    assert "There is no such page" in page
    assert "Sign out" in page


def test_who_may_not_is_told_who_can_help_and_led_into_no_circle(charlie: Client) -> None:
    page = said(charlie.get("/admin/login/"), 403)

    assert "An operator who manages users can give it" in page
    assert 'href="/admin/"' not in page
    assert "Sign out" in page


def test_a_form_without_its_token_is_to_be_loaded_again() -> None:
    page = said(Client(enforce_csrf_checks=True).post(LOGIN, {"login": "root"}), 403)

    assert "load the page again" in page


def test_an_unreadable_request_is_told_so(client: Client) -> None:
    page = said(client.get("/admin/", headers={"host": "another.example"}), 400)

    assert "This request can't be read" in page


def test_a_fault_here_sends_to_the_log(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("the front page is broken")

    monkeypatch.setattr(front_page, "fill", fail)
    page = said(root.get("/admin/"), 500)

    assert "Something went wrong here" in page
    assert "the front page is broken" not in page


@pytest.mark.parametrize("path", ["/admin/", LOGIN, "/api/docs", "/nowhere", "/accounts/2fa/"])
def test_every_file_that_a_page_asks_for_is_there(root: Client, path: str) -> None:
    if path == LOGIN:
        root.logout()
    page = root.get(path).content.decode()
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))

    assert "/static/opscenter/favicon.svg" in files
    assert {root.get(file).status_code for file in files} == {200}


def test_a_browser_that_looks_for_the_icon_by_itself_finds_it(client: Client) -> None:
    answer = client.get("/favicon.ico", follow=True)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
