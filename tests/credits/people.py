"""Who asks the API about credits: consumers see their own, operators see all, and few may move any."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.test import Client

from credits.models import Account
from opscenter.core.models import User


class Asking:
    """`Asking(user, "LLM user").get("/credits")`: a person in a browser, and what the API answers."""

    def __init__(self, user: User, *groups: str, may: tuple[str, ...] = ()) -> None:
        user.groups.add(*Group.objects.filter(name__in=groups))
        user.user_permissions.add(*Permission.objects.filter(codename__in=may))
        self.user, self.client = user, Client()
        self.client.force_login(user)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/llm{path}", query)

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.client.post(f"/api/v1/llm{path}", body or {}, content_type="application/json", headers=headers)


def consumer(account: Account) -> Asking:
    assert account.user is not None
    return Asking(account.user, "LLM user")


def operator(name: str) -> Asking:
    """May move credits, and reads every account."""
    return Asking(User.objects.create_user(name), "LLM admin", may=("change_account",))
