"""Which request or task the code that logs is serving; opscenter/logging.py puts both into every line."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[object] = ContextVar("request_id", default=None)
task_id: ContextVar[str | None] = ContextVar("task_id", default=None)


@contextmanager
def serving(id: object) -> Iterator[None]:
    token = request_id.set(id)
    try:
        yield
    finally:
        request_id.reset(token)
