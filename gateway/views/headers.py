"""The headers that every endpoint which asks a model reads, as the API schema tells of them."""

from drf_spectacular.utils import OpenApiParameter

from opscenter.core.idempotency import KEY

MAX_COST = OpenApiParameter(
    "X-Max-Cost",
    str,
    OpenApiParameter.HEADER,
    description="Credits that the call may cost at most, as `max_cost` in the body. The smaller of both counts.",
)
OF_CALLS = [KEY, MAX_COST]
