"""A step's prompts as they are kept, checked where they are saved and rendered where they run."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from django.template.exceptions import TemplateSyntaxError

from gateway.workflows.language import Missing, Page, PromptTemplate, TooLong

__all__ = ["Missing", "Prompt", "PromptInvalid", "TooLong", "Unfit", "prompt_of"]

MOST_CHARACTERS = 1_000_000
_INPUT, _STEPS = "input", "steps"
_CONSTANTS = frozenset({"True", "False", "None"})


class PromptInvalid(ValueError):
    """It is no template; the message says in which line and why."""


class Unfit(Exception):
    """What the template does can't be done with what it was given."""


class Prompt:
    """One template, compiled; whoever has it may render it any number of times. `hears`: the steps that it names."""

    def __init__(self, source: str) -> None:
        self._template = PromptTemplate.of(source)
        self.hears = frozenset(name[1] for name in self._template.names if name[0] == _STEPS and len(name) > 1)

    def complaints(self, *, earlier: Collection[str]) -> list[str]:
        """What it looks up though it can't be there, where the steps `earlier` have run; sentences."""
        known = {_INPUT, _STEPS, *_CONSTANTS, *self._template.locals}
        found = []
        for name in dict.fromkeys(self._template.names):
            said = ".".join(name)
            if name[0] not in known:
                found.append(f"`{said}` is unknown: a prompt has `input`, and `steps.NAME` of the steps before it.")
            elif name[0] == _STEPS and (len(name) == 1 or name[1] not in earlier):
                there = ", ".join(f"`steps.{one}`" for one in earlier) or "none, this is the first step"
                found.append(f"`{said}` is no step before this one. There are: {there}.")
        return found

    def render(self, input: Any, steps: Mapping[str, Any]) -> str:
        """Both as values.plain() makes them. Raises Missing, TooLong, Unfit."""
        page = Page({_INPUT: input, _STEPS: dict(steps)}, most=MOST_CHARACTERS)
        try:
            said = str(self._template.render(page)).strip()
            page.count(0)
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
            raise Unfit(str(error)) from error
        return said


@lru_cache(maxsize=1024)
def prompt_of(source: str) -> Prompt:
    """Raises PromptInvalid."""
    try:
        return Prompt(source)
    except TemplateSyntaxError as error:
        line = getattr(getattr(error, "token", None), "lineno", None)
        raise PromptInvalid(f"Line {line}: {error}" if line else str(error)) from error
    except RecursionError as error:
        raise PromptInvalid("Its blocks are nested too deeply.") from error
