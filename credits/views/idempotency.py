"""What is sent twice with one Idempotency-Key is one thing: the key becomes its id."""

from uuid import NAMESPACE_URL, UUID, uuid5

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from opscenter.core.errors import Unprocessable
from opscenter.core.ids import uuid7

_LONGEST = 255
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Of your choice: what is sent again with the same key is done once, and answered as the first was.",
)


def id_of(request: Request, what: str) -> UUID:
    """The same for what the same person sends again with the same key; a new one without a key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return uuid7()
    if not 0 < len(key) <= _LONGEST:
        raise Unprocessable(f"Idempotency-Key has 1 to {_LONGEST} characters.", param="Idempotency-Key")
    return uuid5(NAMESPACE_URL, f"ops-center:{what}:{request.user.pk}:{key}")
