"""Stored answers among what the key ring has encrypted; one that nobody can read is as good as none."""

from gateway.models import IdempotentCall
from opscenter.core import sealed
from opscenter.core.sealed import Column

# Each may be IDEMPOTENCY_MAX_BYTES long, and twice that once it is sealed.
_AT_ONCE = 4


def register() -> None:
    sealed.register(
        Column(
            name="answers kept for an Idempotency-Key",
            rows=IdempotentCall.objects.exclude(answer="").all,
            column="answer",
            label=lambda row: f"the answer of call {row.request_id}",
            tokens_in=lambda answer: [answer],
            with_tokens=lambda _, tokens: tokens[0],
            is_replaceable=True,
            at_once=_AT_ONCE,
        )
    )
