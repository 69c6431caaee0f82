"""X-Routing-Mode, as a request names it."""

from collections.abc import Sequence

from gateway.ask import Ask
from gateway.errors import InvalidRequest

HEADER = "HTTP_X_ROUTING_MODE"
NAME = "X-Routing-Mode"
PASSTHROUGH, REASONING, AUTO = "passthrough", "reasoning", "auto"
MODES = (PASSTHROUGH, REASONING, AUTO)


def mode_in(header: str | None, known: Sequence[str], ask: Ask) -> str | None:
    """None where none is named. Raises InvalidRequest (400).

    Several choices are answered by one call: steps that lead to all of them would lead to the same.
    """
    if header is None:
        return None
    if header not in known:
        where = "" if header not in MODES else " at this endpoint"
        raise InvalidRequest(f"`{NAME}` must be {' or '.join(known)}{where}.", param=NAME)
    if ask.choices > 1 and header == REASONING:
        raise InvalidRequest(f"`n` must be 1 where `{NAME}` is {REASONING}.", param="n")
    return PASSTHROUGH if ask.choices > 1 else header
