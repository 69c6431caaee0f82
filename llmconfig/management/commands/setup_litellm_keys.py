"""`setup_litellm_keys`: a virtual key of the LiteLLM proxy for each environment, as lines for .env."""

import time
from argparse import ArgumentParser
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from llmconfig.errors import ProxyError, ProxyRefusedKey
from llmconfig.proxy import keys
from llmconfig.proxy.client import ProxyClient
from llmconfig.proxy.keys import ENVIRONMENTS, ProxyKey
from opscenter.core import audit, secrets
from opscenter.core.audit import Actor, acting_as


class Command(BaseCommand):
    help = "Make the proxy's virtual keys litellm-dev, litellm-eval, ... where they are missing, and print all of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rotate", action="store_true", help="make new ones; the former are refused at once")
        parser.add_argument(
            "--environment", action="append", choices=ENVIRONMENTS, help="one alone; may be given several times"
        )
        parser.add_argument("--tries", type=int, default=30, help="how often to ask whether the proxy is ready")
        parser.add_argument("--pause", type=float, default=2.0, help="seconds between two tries")

    def handle(self, *args: Any, rotate: bool, tries: int, pause: float, **options: Any) -> None:
        if not (settings.LITELLM_PROXY_URL and settings.LITELLM_MASTER_KEY):
            raise CommandError("Set LITELLM_PROXY_URL and LITELLM_MASTER_KEY first.")
        self._wait(tries, pause)
        for environment in options["environment"] or ENVIRONMENTS:
            try:
                made = async_to_sync(_ensure)(environment, rotate=rotate)
            except ProxyError as error:
                raise CommandError(f"litellm-{environment}: {error.message}") from error
            self._tell(made, rotate=rotate)

    def _wait(self, tries: int, pause_s: float) -> None:
        for number in range(1, tries + 1):
            try:
                async_to_sync(_ready)()
            except ProxyRefusedKey:
                return
            except ProxyError as error:
                if number == tries:
                    raise CommandError(f"{settings.LITELLM_PROXY_URL} did not get ready: {error.message}") from error
                self.stderr.write(f"Waiting for the proxy ({number} of {tries}): {error.message}")
                time.sleep(pause_s)
            else:
                return

    def _tell(self, made: ProxyKey, *, rotate: bool) -> None:
        if made.key is None:
            self.stderr.write(f"{made.alias} is there but was not made here, and can't be shown: --rotate replaces it.")
            return
        if made.is_new:
            with acting_as(Actor.command("setup_litellm_keys")), audit.writing():
                audit.record(
                    action="rotate" if rotate else "issue",
                    entity_type="litellm_key",
                    entity_id=made.alias,
                    before={},
                    after={"key": secrets.mask(made.key)},
                )
        self.stdout.write(f"{made.variable}={made.key}")


async def _ready() -> None:
    async with ProxyClient(timeout_s=5.0, attempts=1) as client:
        await client.ask("GET", "/health/readiness")


async def _ensure(environment: str, *, rotate: bool) -> ProxyKey:
    async with ProxyClient() as client:
        return await keys.ensure(client, environment, rotate=rotate)
