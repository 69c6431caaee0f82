"""`generate_master_key`: a key for LITELLM_MASTER_KEY, which the LiteLLM proxy takes only with `sk-` in front."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand

_BYTES = 32


class Command(BaseCommand):
    help = "Print a fresh master key for a LiteLLM proxy."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"sk-{secrets.token_urlsafe(_BYTES)}")
