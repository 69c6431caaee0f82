"""A task acts for whoever asked for it: their user, address and request go along with the message."""

from contextvars import Token
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from opscenter.core.actor import Actor, begin, current_actor, end

_HEADER = "opscenter_asked_by"
_acting: dict[str, Token[Any]] = {}


def connect() -> None:
    before_task_publish.connect(_name_asker, weak=False, dispatch_uid="task_actors.publish")
    task_prerun.connect(_begin, weak=False, dispatch_uid="task_actors.begin")
    task_postrun.connect(_end, weak=False, dispatch_uid="task_actors.end")


def _name_asker(headers: dict[str, Any], **kwargs: Any) -> None:
    headers[_HEADER] = _told(current_actor())


def _begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """What the schedule asks for, nobody does; a task that runs where it was asked for has no message."""
    asked_by = task.request.get(_HEADER) or _told(current_actor())
    _acting[task_id] = begin(Actor(source=f"task:{task.name.rpartition('.')[2]}", **asked_by))


def _end(task_id: str, **kwargs: Any) -> None:
    token = _acting.pop(task_id, None)
    if token is not None:
        end(token)


def _told(actor: Actor) -> dict[str, Any]:
    return {"user_id": actor.user_id, "address": actor.address, "request_id": actor.request_id}
