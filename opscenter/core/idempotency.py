"""The header Idempotency-Key: what is sent twice with one is done once."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from opscenter.core.errors import Unprocessable

NAME = "Idempotency-Key"
_LONGEST = 255
KEY = OpenApiParameter(
    NAME,
    str,
    OpenApiParameter.HEADER,
    description="Of your choice: what is sent again with the same key is done once, and answered as the first was.",
)


def key_in(request: Request) -> str | None:
    """Raises Unprocessable (422)."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not (0 < len(key) <= _LONGEST and key.isprintable()):
        raise Unprocessable(f"{NAME} has 1 to {_LONGEST} characters.", param=NAME)
    return key
