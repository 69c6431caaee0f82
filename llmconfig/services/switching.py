"""Switching many models on or off at once."""

from collections.abc import Iterable

from llmconfig.models import LLMModel
from llmconfig.services.rows import store
from opscenter.core import audit

_BATCH = 25


def switch_models(*, models: Iterable[LLMModel], enabled: bool) -> int:
    """Have `models` offered or not; returns how many were changed. Some at a time, so that nobody waits for long."""
    meant = [model for model in models if model.enabled != enabled]
    for first in range(0, len(meant), _BATCH):
        with audit.writing():
            for model in meant[first : first + _BATCH]:
                store(model, {"enabled": enabled})
    return len(meant)
