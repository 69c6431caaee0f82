"""Sessions: the cookie is what signs in, and the database doesn't hold it."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from opscenter.core.models import User
from opscenter.core.sessions import SessionStore, digest


@pytest.fixture
def alice(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("alice", password=None))
    return client


def test_the_database_does_not_hold_the_cookie(alice: Client) -> None:
    cookie = alice.cookies["sessionid"].value
    (row,) = Session.objects.all()

    assert alice.get("/admin/").status_code == 200
    assert row.session_key == digest(cookie)
    assert len(row.session_key) == 40
    assert cookie not in row.session_data


def test_what_the_database_holds_signs_nobody_in(alice: Client) -> None:
    thief = Client()
    thief.cookies["sessionid"] = Session.objects.get().session_key

    assert thief.get("/admin/").status_code == 302


def test_signing_out_ends_the_session(alice: Client) -> None:
    cookie = alice.cookies["sessionid"].value
    assert SessionStore().exists(cookie)

    alice.post("/admin/logout/")

    assert not SessionStore().exists(cookie)


def test_a_session_keeps_what_is_put_into_it(db: None) -> None:
    store = SessionStore()
    store["word"] = "kept"
    store.save()
    again = SessionStore(store.session_key)
    assert again["word"] == "kept"
    again["word"] = "changed"
    again.save()
    again.cycle_key()

    assert SessionStore(store.session_key).load() == {}
    assert SessionStore(again.session_key)["word"] == "changed"
    assert Session.objects.count() == 1


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_it_is_the_same_without_blocking() -> None:
    store = SessionStore()
    await store.aset("word", "kept")
    await store.asave()
    key = str(store.session_key)

    assert await SessionStore(key).aget("word") == "kept"
    assert await store.aexists(key)
    await store.adelete()
    assert not await store.aexists(key)
