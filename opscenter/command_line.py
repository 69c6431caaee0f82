"""`manage.py`: every command acts under its own name, Django's too."""

from collections.abc import Sequence
from contextlib import suppress

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from opscenter import collector
from opscenter.core.actor import Actor, acting_as


def execute(argv: Sequence[str]) -> None:
    with acting_as(Actor.command(argv[1] if len(argv) > 1 else "help")):
        # What is wrong with the settings, the command line says by itself.
        with collector.resting(), suppress(ImproperlyConfigured):
            django.setup()
        execute_from_command_line(list(argv))
