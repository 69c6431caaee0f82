"""The key by which a person's sessions call models, so that every hold and row has one; its secret is thrown away."""

from gateway.errors import NotAuthenticated
from gateway.models import VirtualKey
from gateway.services import keys
from opscenter.core import audit
from opscenter.core.models import User


def of(user: User) -> VirtualKey:
    """The one of all sessions of `user`, made when it is first needed.

    After it was revoked, whoever signs in anew gets another. Raises NotAuthenticated for who didn't.
    """
    if (key := _live(user)) is not None:
        return key
    with audit.writing():  # which one caller is in at a time
        return _live(user) or keys.issue(user=user, name="Calls from a browser", kind=VirtualKey.Kind.SESSION).row


def _live(user: User) -> VirtualKey | None:
    last = VirtualKey.objects.filter(user=user, kind=VirtualKey.Kind.SESSION).first()
    if last is None or last.revoked_at is None:
        return last
    if user.last_login is None or user.last_login <= last.revoked_at:
        raise NotAuthenticated("Calls by this session were stopped: sign in again.")
    return None
