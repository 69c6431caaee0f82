"""`check_providers [--inference]`: PASSED, FAILED and SKIPPED lines; exit 1 where anything failed."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from gateway import rehearsal
from gateway.rehearsal import Outcome
from llmconfig.models import Purpose
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = "Walk the path of each purpose: active provider, conversions, health, fallback, and a call if asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--inference",
            action="store_true",
            help="make one real completion too; the provider may charge for it, no consumer is",
        )
        parser.add_argument("--purpose", action="append", choices=Purpose.values, help="this alone; may be repeated")
        parser.add_argument("--timeout", type=float, default=60.0, help="seconds that the completion may take")

    def handle(self, *args: Any, **options: Any) -> None:
        purposes = options["purpose"] or Purpose.values
        with acting_as(Actor.command("check_providers")):
            steps = rehearsal.rehearse(purposes=purposes, inference=options["inference"], timeout_s=options["timeout"])
            outcomes = [self._shown(step) for step in steps]
        failures = outcomes.count(Outcome.FAILED)
        self.stdout.write(f"{failures} failed, {outcomes.count(Outcome.PASSED)} passed")
        if failures:
            sys.exit(1)

    def _shown(self, step: rehearsal.Step) -> Outcome:
        self.stdout.write(str(step))
        return step.outcome
