"""Errors of steps name the step."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.workflows.definition import Step
from opscenter.core.errors import ServiceError


@contextmanager
def naming(step: Step) -> Iterator[None]:
    """What is raised inside says that it is of `step`."""
    try:
        yield
    except ServiceError as error:
        error.details = {**(error.details or {}), "step": step.name}
        raise
