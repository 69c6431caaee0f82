"""What the caller of an execution gets: the result, each step with its usage, and the whole's."""

import json
from typing import Any

from credits.amounts import to_text
from gateway.composed.whole import Part, Whole
from gateway.transports.base import Reply
from gateway.usage_counts import Usage
from gateway.workflows.request import WORKFLOW


class ExecutionSpeaker:
    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    def plain(self, reply: Reply) -> bytes:
        parts = self._whole.shares()
        steps = [{**told, **_borne(part)} for told, part in zip(reply.body["steps"], parts, strict=True)]
        usage = Usage(*map(sum, zip(*(part.ending.usage for part in parts), strict=True)))
        body = {
            "id": str(self._whole.id),
            "object": "workflow.execution",
            WORKFLOW: self._whole.ask.body[WORKFLOW],
            "result": reply.body["result"],
            "steps": steps,
            "usage": _usage(usage, self._whole.charged_nano) | {"calls": len(parts)},
        }
        return json.dumps(body, separators=(",", ":")).encode()


def _borne(part: Part) -> dict[str, Any]:
    target = part.exchange.answering.candidate.target
    return {
        "model": target.model_name,
        "provider": target.provider,
        "usage": _usage(part.ending.usage, part.exchange.charged_nano),
        "duration_ms": part.exchange.lasted_ms,
    }


def _usage(usage: Usage, charged_nano: int) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "cost_credits": to_text(charged_nano),
    }
