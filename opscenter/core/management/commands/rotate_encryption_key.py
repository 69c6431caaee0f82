"""`rotate_encryption_key`: put every stored secret under the first key of BYOK_ENCRYPTION_KEY."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opscenter.core import audit, reencryption
from opscenter.core.audit import Actor, acting_as
from opscenter.core.models import Secret
from opscenter.core.reencryption import Stock


class Command(BaseCommand):
    help = (
        "Re-encrypt every stored secret with the first key of BYOK_ENCRYPTION_KEY, while everything goes on. May be "
        "stopped and started again at any time. Exits with 1 while a secret needs a former key, or can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, only say how things stand")
        parser.add_argument("--batch-size", type=int, default=reencryption.BATCH, help="rows per transaction, at most")

    def handle(self, *args: Any, check: bool, batch_size: int, **options: Any) -> None:
        if batch_size < 1:
            raise CommandError("--batch-size is 1 at least.")
        if not check:
            self._reencrypt(batch_size)
        self._tell(reencryption.take_stock())

    def _reencrypt(self, batch_size: int) -> None:
        before = reencryption.take_stock()
        self.stdout.write(f"{before.former} of {before.rows} secrets are under a former key.")
        done = reencryption.reencrypt(batch_size=batch_size, on_batch=self._show)
        if done:
            with acting_as(Actor.command("rotate_encryption_key")):
                audit.record(
                    action="reencrypt",
                    entity_type=Secret._meta.db_table,
                    entity_id="all",
                    before={"under_a_former_key": before.former},
                    after={"reencrypted": done},
                )

    def _show(self, seen: int, done: int) -> None:
        self.stdout.write(f"{seen} looked at, {done} re-encrypted")
        self.stdout.flush()

    def _tell(self, stock: Stock) -> None:
        self.stdout.write(
            f"{stock.former} of {stock.rows} secrets are under a former key now; no key of the ring opens "
            f"{stock.unreadable}."
        )
        if stock.unreadable:
            named = "; ".join(stock.unreadable_labels)
            more = ", ..." if stock.unreadable > len(stock.unreadable_labels) else ""
            raise CommandError(f"{stock.unreadable} secrets can be read with no key of the ring: {named}{more}")
        if stock.former:
            raise CommandError(
                "They need the former key. If this command has just run, something still writes with another ring: "
                "restart every process with this one, then run it again."
            )
        self.stdout.write("The first key of BYOK_ENCRYPTION_KEY opens all of them: the others can be left out of it.")
