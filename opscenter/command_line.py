"""`manage.py`: every command acts under its own name, Django's too."""

from collections.abc import Sequence

from django.core.management import execute_from_command_line

from opscenter.core.actor import Actor, acting_as


def execute(argv: Sequence[str]) -> None:
    with acting_as(Actor.command(argv[1] if len(argv) > 1 else "help")):
        execute_from_command_line(list(argv))
