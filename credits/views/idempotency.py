"""What is sent twice with one Idempotency-Key is one thing: the key becomes its id."""

from uuid import NAMESPACE_URL, UUID, uuid5

from rest_framework.request import Request

from opscenter.core.idempotency import KEY, key_in
from opscenter.core.ids import uuid7

__all__ = ["KEY", "id_of"]


def id_of(request: Request, what: str) -> UUID:
    """The same for what the same person sends again with the same key; a new one without a key."""
    key = key_in(request)
    if key is None:
        return uuid7()
    return uuid5(NAMESPACE_URL, f"ops-center:{what}:{request.user.pk}:{key}")
