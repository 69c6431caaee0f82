"""The headers that every endpoint which asks a model reads, as the API schema tells of them."""

from drf_spectacular.utils import OpenApiParameter

from gateway.modes.names import MODES, NAME, PASSTHROUGH
from opscenter.core.idempotency import KEY

MAX_COST = OpenApiParameter(
    "X-Max-Cost",
    str,
    OpenApiParameter.HEADER,
    description="Credits that the call may cost at most, as `max_cost` in the body. The smaller of both counts.",
)
OF_CALLS = [KEY, MAX_COST]
ROUTING_MODE = OpenApiParameter(
    NAME,
    str,
    OpenApiParameter.HEADER,
    enum=MODES,
    default=PASSTHROUGH,
    description="Answered by one call (passthrough), by steps of reasoning first, or as a classifier chooses (auto).",
)
OF_CHATS = [*OF_CALLS, ROUTING_MODE]
