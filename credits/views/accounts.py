"""Whose account a request is about."""

from typing import cast

from rest_framework.request import Request

from credits.models import Account
from credits.permissions import READS_MONEY
from credits.services import wallets
from opscenter.core.errors import Forbidden, Unprocessable
from opscenter.core.models import User


def own_account(request: Request) -> Account:
    """The account that the caller's key spends from, else the caller's own wallet; as it is now, with its plan."""
    rows = Account.objects.wallets().select_related("plan")
    if account_id := getattr(request.auth, "account_id", None):
        return rows.get(pk=account_id)
    return wallets.wallet_of(cast(User, request.user), rows)


def account_of(request: Request, username: str | None) -> Account:
    """The named user's wallet, which operators may read; without a name the caller's. Raises Forbidden."""
    if username is None or username == cast(User, request.user).username:
        return own_account(request)
    if not any(request.user.has_perm(permission) for permission in READS_MONEY):
        raise Forbidden("You may only see your own account.")
    return wallet_of_name(username)


def wallet_of_name(username: str) -> Account:
    """Raises Unprocessable where nobody is called so."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise Unprocessable("There is no such user.", param="user")
    return wallets.wallet_of(user)
